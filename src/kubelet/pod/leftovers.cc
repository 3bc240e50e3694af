#include "kubelet/pod/leftovers.h"

#include "base/log.h"
#include "kubelet/files.h"
#include "kubelet/node/cgroup.h"

namespace pinnace::kubelet {
namespace {

void remove_or_say(const std::string& path) {
  if (auto removed = remove_mounted_tree(path); !removed) {
    log::warning("cannot remove what a pod left", {{"error", removed.error().message}});
  }
}

}  // namespace

void remove_leftovers(const LeftoverPlaces& places,
                      const std::function<bool(std::string_view)>& known) {
  const auto names = [](const std::string& directory) {
    return io::list_directory(directory).value_or(std::vector<std::string>());
  };
  for (const auto& uid : names(places.dirs.pods)) {
    if (known(uid)) continue;
    // Binds of sub-paths hold on to the volumes.
    remove_or_say(places.dirs.pods + '/' + uid + "/volume-subpaths");
    remove_or_say(places.dirs.pods + '/' + uid);
  }
  for (const auto& uid : names(places.dirs.volatile_)) {
    if (!known(uid)) remove_or_say(places.dirs.volatile_ + '/' + uid);
  }
  for (const auto& name : names(places.log_root)) {  // NAMESPACE_NAME_UID
    const auto cut = name.rfind('_');
    if (cut != std::string::npos && !known(std::string_view(name).substr(cut + 1))) {
      (void)io::remove_tree(places.log_root + '/' + name);
    }
  }
  for (const char* folder : {"/kubepods", "/kubepods/burstable", "/kubepods/besteffort"}) {
    const std::string parent = places.cgroup_root + folder;
    for (const auto& name : list_cgroup(parent)) {
      if (name.starts_with("pod") && !known(std::string_view(name).substr(3))) {
        remove_cgroup(parent + '/' + name);
      }
    }
  }
}

}  // namespace pinnace::kubelet
