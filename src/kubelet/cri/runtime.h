// Runtime is what the node agent asks of a container runtime, in plain structs.
//
// Why: one interface, so that CRI over gRPC, a native runtime and a test's fake can stand behind
//   it.
// Threads: any; calls block until the runtime answers or the call's own limit passes.
// Errors: 404 where the thing named does not exist; 503 when the runtime cannot be reached; 504
//   when it took too long; 501 where it does not know the call; else 500 with the runtime's
//   message.
// Source: Kubernetes Container Runtime Interface v1.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace pinnace::kubelet::cri {

using Labels = std::map<std::string, std::string, std::less<>>;

enum class NamespaceMode { kPod = 0, kContainer = 1, kNode = 2, kTarget = 3 };
struct Namespaces {
  NamespaceMode network = NamespaceMode::kPod;
  NamespaceMode pid = NamespaceMode::kContainer;
  NamespaceMode ipc = NamespaceMode::kPod;
  std::string target_id;  // The container whose processes are shared, for kTarget.
};

enum class SeccompType { kRuntimeDefault = 0, kUnconfined = 1, kLocalhost = 2 };
struct Seccomp {
  SeccompType type = SeccompType::kUnconfined;
  std::string localhost_ref;
};

struct DnsConfig {
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::string> options;
};

struct SandboxConfig {
  std::string name, uid, ns;
  std::uint32_t attempt = 0;
  std::string hostname;
  std::string log_directory;
  std::optional<DnsConfig> dns;
  Labels labels;
  Labels annotations;
  std::string cgroup_parent;
  Namespaces namespaces;
  bool privileged = false;
  Seccomp seccomp;
  Labels sysctls;
  std::string runtime_handler;
};

enum class Propagation { kPrivate = 0, kHostToContainer = 1, kBidirectional = 2 };
struct Mount {
  std::string container_path;
  std::string host_path;
  bool read_only = false;
  Propagation propagation = Propagation::kPrivate;
  bool operator==(const Mount&) const = default;
};

struct Resources {
  std::int64_t cpu_period = 0;
  std::int64_t cpu_quota = 0;
  std::int64_t cpu_shares = 0;
  std::int64_t memory_limit_bytes = 0;
  std::int64_t oom_score_adj = 0;
  bool operator==(const Resources&) const = default;
};

struct ContainerConfig {
  std::string name;
  std::uint32_t attempt = 0;
  std::string image_ref;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<Mount> mounts;
  Labels labels;
  Labels annotations;
  std::string log_path;  // Below the sandbox's log directory.
  bool stdin_open = false, stdin_once = false, tty = false;
  Resources resources;
  // Security.
  bool privileged = false;
  Namespaces namespaces;
  std::optional<std::int64_t> run_as_user, run_as_group;
  bool read_only_root = false;
  std::vector<std::int64_t> supplemental_groups;
  bool no_new_privileges = false;
  std::vector<std::string> add_capabilities, drop_capabilities;
  std::vector<std::string> masked_paths, read_only_paths;
  Seccomp seccomp;
};

struct Sandbox {
  std::string id;
  std::string name, uid, ns;
  std::uint32_t attempt = 0;
  bool ready = false;
  std::int64_t created_at_ns = 0;
  Labels labels;
  Labels annotations;
};
struct SandboxStatus {
  bool ready = false;
  std::vector<std::string> ips;  // Empty with the host's network.
};

enum class ContainerState { kCreated = 0, kRunning = 1, kExited = 2, kUnknown = 3 };
struct Container {
  std::string id;
  std::string sandbox_id;
  std::string name;
  std::uint32_t attempt = 0;
  std::string image;
  std::string image_ref;
  ContainerState state = ContainerState::kUnknown;
  std::int64_t created_at_ns = 0;
  Labels labels;
  Labels annotations;
};
struct ContainerStatus {
  std::string id;
  std::string name;
  std::uint32_t attempt = 0;
  ContainerState state = ContainerState::kUnknown;
  std::int64_t created_at_ns = 0, started_at_ns = 0, finished_at_ns = 0;
  std::int32_t exit_code = 0;
  std::string image, image_ref;
  std::string reason, message;
  Labels labels;
  Labels annotations;
  std::string log_path;
};

struct Image {
  std::string id;
  std::vector<std::string> tags, digests;
  std::uint64_t size_bytes = 0;
  std::optional<std::int64_t> uid;
  std::string username;
  bool pinned = false;
};
struct PullCredentials {
  std::string username, password, server_address;
};

struct ExecResult {
  std::string out, err;
  std::int32_t exit_code = 0;
};
struct StreamOptions {
  bool in = false, out = false, err = false, tty = false;
};

struct Version {
  std::string name, version, api_version;
};
struct Condition {
  std::string type;  // "RuntimeReady", "NetworkReady"
  bool status = false;
  std::string reason, message;
};
struct FilesystemUsage {
  std::string mountpoint;
  std::uint64_t used_bytes = 0;
};

class Runtime {
 public:
  virtual ~Runtime() = default;

  virtual Result<Version> version() = 0;
  virtual Result<std::vector<Condition>> status() = 0;

  virtual Result<std::string> run_sandbox(const SandboxConfig& config) = 0;
  virtual Result<void> stop_sandbox(const std::string& id) = 0;    // Idempotent.
  virtual Result<void> remove_sandbox(const std::string& id) = 0;  // Idempotent.
  virtual Result<SandboxStatus> sandbox_status(const std::string& id) = 0;
  virtual Result<std::vector<Sandbox>> list_sandboxes(const Labels& selector) = 0;

  virtual Result<std::string> create_container(const std::string& sandbox_id,
                                               const ContainerConfig& config,
                                               const SandboxConfig& sandbox) = 0;
  virtual Result<void> start_container(const std::string& id) = 0;
  // SIGTERM (or the image's stop signal), then SIGKILL after `grace`. Returns when it has ended.
  virtual Result<void> stop_container(const std::string& id, std::chrono::seconds grace) = 0;
  virtual Result<void> remove_container(const std::string& id) = 0;
  virtual Result<std::vector<Container>> list_containers(const Labels& selector) = 0;
  virtual Result<ContainerStatus> container_status(const std::string& id) = 0;
  virtual Result<void> reopen_log(const std::string& id) = 0;

  virtual Result<ExecResult> exec_sync(const std::string& id,
                                       const std::vector<std::string>& command,
                                       std::chrono::seconds timeout) = 0;
  // The URL of the runtime's streaming server for one session.
  virtual Result<std::string> exec_url(const std::string& id,
                                       const std::vector<std::string>& command,
                                       StreamOptions options) = 0;
  virtual Result<std::string> attach_url(const std::string& id, StreamOptions options) = 0;
  virtual Result<std::string> port_forward_url(const std::string& sandbox_id,
                                               const std::vector<std::int32_t>& ports) = 0;

  virtual Result<std::vector<Image>> list_images() = 0;
  // Nothing when the image is not there.
  virtual Result<std::optional<Image>> image_status(const std::string& image) = 0;
  // The reference by which the pulled image is to be run.
  virtual Result<std::string> pull_image(const std::string& image, const PullCredentials* auth) = 0;
  virtual Result<void> remove_image(const std::string& image) = 0;
  virtual Result<std::vector<FilesystemUsage>> image_filesystems() = 0;

  // Calls `happened` from a thread of the runtime's own, until `stop_watching`, with the id of each
  // container or sandbox whose process has ended (the calls above may show it only a moment later);
  // with "" when events may have been missed, which is also so at the beginning. A runtime that
  // cannot tell says only that, once.
  virtual void watch(std::function<void(const std::string& id)> happened) = 0;
  // Ends the watch. Calls in flight, and all later ones, fail with 503.
  virtual void stop() = 0;
};

// CRI over gRPC at "unix:///run/containerd/containerd.sock" or a plain path.
Result<std::unique_ptr<Runtime>> connect(const std::string& endpoint);

}  // namespace pinnace::kubelet::cri
