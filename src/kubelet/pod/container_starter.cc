#include "kubelet/pod/container_starter.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "kubelet/files.h"
#include "kubelet/node/cgroup.h"
#include "kubelet/pod/qos.h"

namespace pinnace::kubelet {
namespace {

template <typename T>
auto data_reader(ObjectCache<T>& cache, const std::string& ns) {
  return [&cache, ns](const std::string& name) -> Result<Environment> {
    auto object = cache.get(ns, name);
    if (!object) return std::unexpected(std::move(object.error()));
    return (*object)->data;
  };
}

// Mounts of our own: /etc/hosts and the file for the termination message.
Result<void> add_own_mounts(const PodContext& context, const StartInput& in,
                            std::vector<cri::Mount>& mounts) {
  const std::string pod_dir = context.volumes.pod_dir(in.pod.metadata.uid);
  const auto mounted = [&](const std::string& path) {
    return std::ranges::any_of(mounts,
                               [&](const auto& mount) { return mount.container_path == path; });
  };
  if (!mounted("/etc/hosts")) {
    const std::string host_file =
        in.pod.spec.host_network ? read_file("/etc/hosts").value_or("") : std::string();
    const std::string path = pod_dir + "/etc-hosts";
    auto written =
        write_file(path, hosts_file(in.pod, in.pod_ips, context.node.cluster_domain, host_file));
    if (!written) return written;
    mounts.push_back({"/etc/hosts", path, false, {}});
  }
  const std::string& inside = in.action.container.termination_message_path;
  if (!inside.empty() && !mounted(inside)) {
    const std::string path = message_path(context.volumes, in.pod.metadata.uid,
                                          in.action.container.name, in.action.restart_count);
    if (auto made = make_directories(std::filesystem::path(path).parent_path()); !made) return made;
    if (auto written = write_file(path, ""); !written) return written;
    chmod(path.c_str(), 0666);  // The container's user may be anyone.
    mounts.push_back({inside, path, false, {}});
  }
  return {};
}

Result<cri::ContainerConfig> make_config(const PodContext& context, const StartInput& in) {
  const auto& container = in.action.container;
  const std::string& ns = in.pod.metadata.namespace_;
  const EnvSources sources{data_reader(context.volumes.config_maps(), ns),
                           data_reader(context.volumes.secrets(), ns)};
  auto environment = make_environment(in.pod, container, pod_facts(context, in.pod_ips), sources,
                                      context.services.environment(in.pod));
  if (!environment) return std::unexpected(std::move(environment.error()));
  auto mounts = context.volumes.mounts(in.pod, container, in.volumes, *environment);
  if (!mounts) return std::unexpected(std::move(mounts.error()));
  if (auto added = add_own_mounts(context, in, *mounts); !added) {
    return std::unexpected(std::move(added.error()));
  }
  return container_config({in.pod, container, in.action.restart_count, in.image.image_ref,
                           in.image.image, *environment, std::move(*mounts), context.node,
                           in.action.shares_processes_of});
}

}  // namespace

Result<void> prepare_sandbox_host(const PodContext& context, const core::Pod& pod,
                                  const cri::SandboxConfig& config) {
  if (auto made = make_directories(context.volumes.pod_dir(pod.metadata.uid)); !made) return made;
  if (auto made = make_directories(config.log_directory); !made) return made;
  return make_cgroup(config.cgroup_parent, pod_resources(pod.spec));
}

PodFacts pod_facts(const PodContext& context, const std::vector<std::string>& pod_ips) {
  return {context.node_name, context.node_ip, pod_ips, context.node_cpu_milli,
          context.node.memory_bytes};
}

std::string message_path(const Volumes& volumes, const std::string& pod_uid,
                         const std::string& container, std::int64_t restart_count) {
  return volumes.pod_dir(pod_uid) + "/containers/" + container + '/' +
         std::to_string(restart_count);
}

StartOutcome start_container(const PodContext& context, const StartInput& in) {
  const auto& container = in.action.container;
  const auto about = reference_to(in.pod, &container);
  const auto failed = [&](std::string id, const char* reason, const std::string& message) {
    context.events(about, kWarning, "Failed", "Error: " + message);
    return StartOutcome{std::move(id), Waiting{container.name, reason, message}};
  };
  auto config = make_config(context, in);
  if (!config) return failed("", "CreateContainerConfigError", config.error().message);
  // The runtime does not make the directory of the container's log.
  if (auto made = make_directories(in.sandbox.log_directory + '/' + container.name); !made) {
    return failed("", "CreateContainerError", made.error().message);
  }
  auto id = context.runtime.create_container(in.sandbox_id, *config, in.sandbox);
  if (!id) return failed("", "CreateContainerError", id.error().message);
  context.events(about, kNormal, "Created", "Created container: " + container.name);
  if (auto started = context.runtime.start_container(*id); !started) {
    return failed(std::move(*id), "RunContainerError", started.error().message);
  }
  context.events(about, kNormal, "Started", "Started container " + container.name);
  return {std::move(*id), std::nullopt};
}

}  // namespace pinnace::kubelet
