#include "cluster/containerd_config.h"

#include <initializer_list>
#include <utility>

#include "api/json.h"
#include "api/value.h"
#include "cluster/toml_writer.h"

namespace pinnace::cluster {

namespace {

using Members = std::initializer_list<std::pair<std::string_view, api::Value>>;

// Builds trees of configuration in one arena.
class Builder {
 public:
  api::Value text(std::string_view value) { return api::Value::string(arena_, value); }
  api::Value object(Members members) {
    api::Value value = api::Value::object();
    for (const auto& [key, member] : members) value.set(arena_, key, member);
    return value;
  }
  api::Value list(std::initializer_list<api::Value> items) {
    api::Value value = api::Value::array();
    for (const auto& item : items) value.append(arena_, item);
    return value;
  }

 private:
  api::Arena arena_;
};

}  // namespace

std::string containerd_config_text(const Settings& settings) {
  Builder b;
  const auto yes = api::Value::boolean(true), no = api::Value::boolean(false);
  const auto runtime = b.object({
      {"runtime_type", b.text("io.containerd.runc.v2")},
      {"options", b.object({{"BinaryName", b.text("runc")}, {"SystemdCgroup", no}})},
  });
  const auto cri = b.object({
      {"sandbox_image", b.text("docker.io/pinnace/pause:1")},
      // Not every host lets root lower an oom_score_adj (CAP_SYS_RESOURCE).
      {"restrict_oom_score_adj", yes},
      {"stream_server_address", b.text("127.0.0.1")},
      {"stream_server_port", b.text("0")},
      {"enable_tls_streaming", no},
      {"max_container_log_line_size", api::Value::integer(16384)},
      {"containerd", b.object({
                         {"default_runtime_name", b.text("runc")},
                         {"snapshotter", b.text("overlayfs")},
                         {"runtimes", b.object({{"runc", runtime}})},
                     })},
      {"cni", b.object({
                  {"bin_dir", b.text("/usr/lib/cni")},
                  {"conf_dir", b.text(settings.cni_conf_dir())},
                  {"max_conf_num", api::Value::integer(1)},
              })},
      {"registry", b.object({{"config_path", b.text(settings.registry_hosts_dir())}})},
  });
  const auto root = b.object({
      {"version", api::Value::integer(2)},
      {"root", b.text(settings.containerd_root())},
      {"state", b.text(settings.containerd_state())},
      // What a node of Kubernetes does not need, and what would probe the host for devices.
      {"disabled_plugins", b.list({b.text("io.containerd.snapshotter.v1.aufs"),
                                   b.text("io.containerd.snapshotter.v1.btrfs"),
                                   b.text("io.containerd.snapshotter.v1.devmapper"),
                                   b.text("io.containerd.snapshotter.v1.zfs"),
                                   b.text("io.containerd.tracing.processor.v1.otlp"),
                                   b.text("io.containerd.internal.v1.tracing")})},
      {"grpc", b.object({{"address", b.text(settings.containerd_socket())}})},
      {"ttrpc", b.object({{"address", b.text(settings.containerd_socket() + ".ttrpc")}})},
      {"plugins", b.object({{"io.containerd.grpc.v1.cri", cri}})},
  });
  return write_toml(root);
}

std::string cni_config_text(const Settings& settings, int mtu) {
  Builder b;
  const auto range = b.object({{"subnet", b.text(settings.node_pod_cidr())}});
  const auto link = b.object({
      {"type", b.text("ptp")},
      {"ipMasq", api::Value::boolean(false)},
      {"mtu", api::Value::integer(mtu)},
      {"ipam", b.object({
                   {"type", b.text("host-local")},
                   {"dataDir", b.text(settings.run_dir + "/cni-addresses")},
                   {"ranges", b.list({b.list({range})})},
                   {"routes", b.list({b.object({{"dst", b.text("0.0.0.0/0")}})})},
               })},
  });
  const auto config = b.object({
      {"cniVersion", b.text("0.4.0")},
      {"name", b.text("pinnace-" + settings.name)},
      {"plugins", b.list({link})},
  });
  return api::to_json_text(config);
}

std::string registry_hosts_text(int mirror_port) {
  Builder b;
  const std::string mirror = "http://127.0.0.1:" + std::to_string(mirror_port);
  return write_toml(b.object({
      {"host", b.object({{mirror, b.object({{"capabilities",
                                             b.list({b.text("pull"), b.text("resolve")})}})}})},
  }));
}

}  // namespace pinnace::cluster
