#include "kubelet/volumes/volumes.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "kubelet/files.h"

namespace pinnace::kubelet {
namespace {

// Sources whose bytes are secret live on a tmpfs.
bool is_secret(const core::Volume& volume) {
  return volume.secret.has_value() || volume.projected.has_value();
}

bool is_mount_point(const std::string& path) {
  struct stat own, parent;
  return stat(path.c_str(), &own) == 0 && stat((path + "/..").c_str(), &parent) == 0 &&
         own.st_dev != parent.st_dev;
}

void collect(const core::Container& container, std::set<std::string>& config_maps,
             std::set<std::string>& secrets) {
  for (const auto& from : container.env_from) {
    if (from.config_map_ref) config_maps.insert(from.config_map_ref->name);
    if (from.secret_ref) secrets.insert(from.secret_ref->name);
  }
  for (const auto& variable : container.env) {
    if (!variable.value_from) continue;
    if (const auto& ref = variable.value_from->config_map_key_ref) config_maps.insert(ref->name);
    if (const auto& ref = variable.value_from->secret_key_ref) secrets.insert(ref->name);
  }
}

}  // namespace

Volumes::Volumes(const client::Client& api, Executor& executor, const Clock& clock, VolumeDirs dirs,
                 std::function<void(const std::string&)> changed)
    : api_(api),
      clock_(clock),
      dirs_(std::move(dirs)),
      config_maps_(api, executor, changed),
      secrets_(api, executor, changed) {}

void Volumes::retain(const core::Pod& pod) {
  std::set<std::string> config_maps, secrets;
  for (const auto& volume : pod.spec.volumes) {
    if (volume.config_map) config_maps.insert(volume.config_map->name);
    if (volume.secret) secrets.insert(volume.secret->secret_name);
    if (!volume.projected) continue;
    for (const auto& source : volume.projected->sources) {
      if (source.config_map) config_maps.insert(source.config_map->name);
      if (source.secret) secrets.insert(source.secret->name);
    }
  }
  for (const auto& container : pod.spec.init_containers) collect(container, config_maps, secrets);
  for (const auto& container : pod.spec.containers) collect(container, config_maps, secrets);
  config_maps_.retain(pod.metadata.uid, pod.metadata.namespace_, config_maps);
  secrets_.retain(pod.metadata.uid, pod.metadata.namespace_, secrets);
}

void Volumes::stop() {
  config_maps_.stop();
  secrets_.stop();
}

std::expected<Volumes::Paths, Volumes::Failure> Volumes::prepare(const core::Pod& pod,
                                                                 const PodFacts& facts) {
  Paths paths;
  for (const auto& volume : pod.spec.volumes) {
    auto path = make(pod, volume, facts);
    if (!path) return std::unexpected(Failure{volume.name, std::move(path.error())});
    paths[volume.name] = std::move(*path);
  }
  return paths;
}

Result<std::string> Volumes::make(const core::Pod& pod, const core::Volume& volume,
                                  const PodFacts& facts) {
  if (volume.empty_dir) return empty_dir(pod, volume);
  if (volume.host_path) return host_path(*volume.host_path);
  if (volume.persistent_volume_claim) {
    return claim(pod, volume.persistent_volume_claim->claim_name);
  }
  if (volume.ephemeral) return claim(pod, pod.metadata.name + '-' + volume.name);
  auto files = payload(pod, volume, facts);
  if (!files) return std::unexpected(std::move(files.error()));
  const std::string& uid = pod.metadata.uid;
  const std::string path = is_secret(volume) ? dirs_.volatile_ + '/' + uid + '/' + volume.name
                                             : pod_dir(uid) + "/volumes/" + volume.name;
  if (auto made = make_directories(path); !made) return std::unexpected(made.error());
  std::optional<std::int64_t> group;
  if (pod.spec.security_context) group = pod.spec.security_context->fs_group;
  auto written = write_atomically(path, *files, group);
  if (!written) return std::unexpected(std::move(written.error()));
  return path;
}

Result<std::string> Volumes::empty_dir(const core::Pod& pod, const core::Volume& volume) {
  const std::string path = pod_dir(pod.metadata.uid) + "/volumes/" + volume.name;
  std::error_code failed;
  const bool existed = std::filesystem::exists(path, failed);
  if (auto made = make_directories(path); !made) return std::unexpected(made.error());
  const auto& source = *volume.empty_dir;
  if (source.medium == "Memory" && !is_mount_point(path)) {
    std::string options = "mode=0777";
    if (source.size_limit) options += ",size=" + std::to_string(source.size_limit->value());
    if (mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
      return errors::system("mount tmpfs on " + path, errno);
    }
  } else if (existed) {
    return path;
  }
  const auto& security = pod.spec.security_context;
  if (security && security->fs_group) {
    if (chown(path.c_str(), 0, static_cast<gid_t>(*security->fs_group)) != 0) {
      return errors::system("chown " + path, errno);
    }
    if (chmod(path.c_str(), 02777) != 0) return errors::system("chmod " + path, errno);
  } else if (chmod(path.c_str(), 0777) != 0) {
    return errors::system("chmod " + path, errno);
  }
  return path;
}

Result<std::string> Volumes::host_path(const core::HostPathVolumeSource& source) {
  const std::string& path = source.path;
  const std::string type = source.type.value_or("");
  struct stat info;
  const bool exists = stat(path.c_str(), &info) == 0;
  const auto wrong = [&](std::string_view what) {
    return errors::bad_request("hostPath type check failed: " + path + " is not a " +
                               std::string(what));
  };
  if (type == "DirectoryOrCreate" && !exists) {
    if (auto made = make_directories(path); !made) return std::unexpected(made.error());
    return path;
  }
  if (type == "FileOrCreate" && !exists) {
    if (auto made = write_file(path, ""); !made) return std::unexpected(made.error());
    return path;
  }
  const mode_t mode = exists ? info.st_mode : 0;
  if (type.starts_with("Directory") && !S_ISDIR(mode)) return wrong("directory");
  if (type.starts_with("File") && !S_ISREG(mode)) return wrong("file");
  if (type == "Socket" && !S_ISSOCK(mode)) return wrong("socket file");
  if (type == "CharDevice" && !S_ISCHR(mode)) return wrong("character device");
  if (type == "BlockDevice" && !S_ISBLK(mode)) return wrong("block device");
  if (!exists) {  // Without a type, what is missing becomes a directory.
    if (auto made = make_directories(path); !made) return std::unexpected(made.error());
  }
  return path;
}

// A claim that is bound to a volume on this host: hostPath or local.
Result<std::string> Volumes::claim(const core::Pod& pod, const std::string& name) {
  auto claimed = api_.get<core::PersistentVolumeClaim>(pod.metadata.namespace_, name);
  if (!claimed) return std::unexpected(std::move(claimed.error()));
  if (claimed->spec.volume_name.empty()) {
    return errors::bad_request("persistentvolumeclaim \"" + name + "\" is not bound to a volume");
  }
  auto volume = api_.get<core::PersistentVolume>("", claimed->spec.volume_name);
  if (!volume) return std::unexpected(std::move(volume.error()));
  if (volume->spec.host_path) return host_path(*volume->spec.host_path);
  if (volume->spec.local) {
    core::HostPathVolumeSource source;
    source.path = volume->spec.local->path;
    source.type = "Directory";
    return host_path(source);
  }
  return errors::bad_request("persistent volume \"" + claimed->spec.volume_name +
                             "\" has a type that this node cannot mount");
}

Result<std::vector<cri::Mount>> Volumes::mounts(const core::Pod& pod,
                                                const core::Container& container,
                                                const Paths& paths,
                                                const Environment& environment) const {
  std::vector<cri::Mount> out;
  for (std::size_t index = 0; index < container.volume_mounts.size(); ++index) {
    const auto& wanted = container.volume_mounts[index];
    const auto found = paths.find(wanted.name);
    if (found == paths.end()) {
      return errors::bad_request("cannot find volume \"" + wanted.name +
                                 "\" to mount into container \"" + container.name + '"');
    }
    auto mount = mount_of(pod, container, index, found->second, environment);
    if (!mount) return std::unexpected(std::move(mount.error()));
    out.push_back(std::move(*mount));
  }
  return out;
}

Result<cri::Mount> Volumes::mount_of(const core::Pod& pod, const core::Container& container,
                                     std::size_t index, const std::string& source,
                                     const Environment& environment) const {
  const auto& wanted = container.volume_mounts[index];
  cri::Mount mount{wanted.mount_path, source, wanted.read_only, {}};
  if (!mount.container_path.starts_with('/')) mount.container_path.insert(0, "/");
  const std::string below = wanted.sub_path_expr.empty()
                                ? wanted.sub_path
                                : expand_variables(wanted.sub_path_expr, environment);
  if (!below.empty()) {
    const auto open = resolve_beneath(source, below);
    if (!open) return std::unexpected(open.error());
    mount.host_path = sub_paths_dir(pod.metadata.uid) + '/' + wanted.name + '/' + container.name +
                      '/' + std::to_string(index);
    if (auto bound = bind_to(*open, mount.host_path); !bound) return std::unexpected(bound.error());
  }
  const std::string propagation = wanted.mount_propagation.value_or("None");
  if (propagation == "HostToContainer") mount.propagation = cri::Propagation::kHostToContainer;
  if (propagation == "Bidirectional") mount.propagation = cri::Propagation::kBidirectional;
  for (const auto& volume : pod.spec.volumes) {
    if (volume.name != wanted.name) continue;
    const bool fixed = volume.config_map || volume.downward_api || is_secret(volume);
    const auto* claim = volume.persistent_volume_claim.get();
    if (fixed || (claim && claim->read_only)) mount.read_only = true;
  }
  return mount;
}

std::optional<WallTime> Volumes::renew_at(const std::string& uid) const {
  std::optional<WallTime> first;
  const std::string prefix = uid + '/';
  const std::lock_guard lock(mutex_);
  for (auto it = tokens_.lower_bound(prefix); it != tokens_.end() && it->first.starts_with(prefix);
       ++it) {
    first = first ? std::min(*first, it->second.refresh_at) : it->second.refresh_at;
  }
  return first;
}

Result<void> Volumes::tear_down(const std::string& uid) {
  config_maps_.release(uid);
  secrets_.release(uid);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(tokens_, [&](const auto& item) { return item.first.starts_with(uid + '/'); });
  }
  // Binds of sub-paths go first: they hold on to the volumes.
  for (const auto& path : {sub_paths_dir(uid), dirs_.volatile_ + '/' + uid}) {
    if (auto removed = remove_mounted_tree(path); !removed) return removed;
  }
  return remove_mounted_tree(pod_dir(uid) + "/volumes");
}

}  // namespace pinnace::kubelet
