// Volumes makes a pod's volumes on the host, keeps their content fresh, and takes them away again.
//
// Layout: POD_DIR/volumes/NAME for what lives with the pod; VOLATILE_DIR/pods/UID/NAME, on a tmpfs,
//   for Secrets and tokens, which must not reach a disk.
// Threads: any, one call at a time for one pod.
// Errors: the text of the FailedMount event, without its "MountVolume.SetUp failed" part.
// Source: Kubernetes documentation, "Volumes" and "Projected Volumes".
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "api/types/core_v1.h"
#include "client/client.h"
#include "io/fd.h"
#include "kubelet/cri/runtime.h"
#include "kubelet/pod/env.h"
#include "kubelet/volumes/atomic_writer.h"
#include "kubelet/volumes/object_cache.h"

namespace pinnace::kubelet {

namespace core = api::core_v1;

struct VolumeDirs {
  std::string pods;       // "ROOT/pods": a directory per pod's uid.
  std::string volatile_;  // "/run/...": a directory per pod's uid.
};

class Volumes {
 public:
  Volumes(const client::Client& api, Executor& executor, const Clock& clock, VolumeDirs dirs,
          std::function<void(const std::string& pod_uid)> changed);

  // Makes or refreshes all volumes of the pod. The host path of each, by the volume's name.
  using Paths = std::map<std::string, std::string, std::less<>>;
  struct Failure {
    std::string volume;
    Error error;
  };
  std::expected<Paths, Failure> prepare(const core::Pod& pod, const PodFacts& facts);

  // The mounts of one container: its volumeMounts, each subPath bound to a place of its own.
  Result<std::vector<cri::Mount>> mounts(const core::Pod& pod, const core::Container& container,
                                         const Paths& paths, const Environment& environment) const;
  // When the first of the pod's tokens must be renewed; nothing without tokens.
  std::optional<WallTime> renew_at(const std::string& pod_uid) const;

  // Unmounts and removes; also forgets tokens and watches.
  Result<void> tear_down(const std::string& pod_uid);

  ObjectCache<core::ConfigMap>& config_maps() { return config_maps_; }
  ObjectCache<core::Secret>& secrets() { return secrets_; }
  // Watches what the pod's volumes and variables name.
  void retain(const core::Pod& pod);
  void stop();

  std::string pod_dir(const std::string& uid) const { return dirs_.pods + '/' + uid; }
  const VolumeDirs& dirs() const { return dirs_; }

 private:
  std::string sub_paths_dir(const std::string& uid) const {
    return pod_dir(uid) + "/volume-subpaths";
  }
  struct Token {
    std::string text;
    WallTime refresh_at;
  };
  Result<std::string> make(const core::Pod& pod, const core::Volume& volume, const PodFacts& facts);
  Result<std::string> empty_dir(const core::Pod& pod, const core::Volume& volume);
  Result<cri::Mount> mount_of(const core::Pod& pod, const core::Container& container,
                              std::size_t index, const std::string& source,
                              const Environment& environment) const;
  Result<std::string> host_path(const core::HostPathVolumeSource& source);
  Result<std::string> claim(const core::Pod& pod, const std::string& name);
  Result<Payload> payload(const core::Pod& pod, const core::Volume& volume, const PodFacts& facts);
  Result<void> project(const core::Pod& pod, const core::VolumeProjection& source,
                       const PodFacts& facts, std::uint32_t mode, Payload& out);
  Result<std::string> token(const core::Pod& pod,
                            const core::ServiceAccountTokenProjection& source);

  const client::Client& api_;
  const Clock& clock_;
  const VolumeDirs dirs_;
  ObjectCache<core::ConfigMap> config_maps_;
  ObjectCache<core::Secret> secrets_;
  mutable std::mutex mutex_;
  std::map<std::string, Token> tokens_;  // By "UID/audience/seconds".
};

// Opens (O_PATH) `below` under `root`, following links but never out of it; missing directories are
// made. 400 if it leads out.
Result<io::UniqueFd> resolve_beneath(const std::string& root, const std::string& below);
// Binds what is open to `target`, which is made.
// Why: a path that was checked may be another one when the runtime mounts it; a descriptor stays.
Result<void> bind_to(const io::UniqueFd& open, const std::string& target);

}  // namespace pinnace::kubelet
