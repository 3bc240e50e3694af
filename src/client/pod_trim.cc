#include "client/pod_trim.h"

#include "client/shared_objects.h"

namespace pinnace::client {
namespace {

template <typename Container>
void trim_container(Container& container) {
  forget(container.command);
  forget(container.args);
  forget(container.working_dir);
  forget(container.env);
  forget(container.env_from);
  forget(container.volume_mounts);
  forget(container.volume_devices);
  forget(container.liveness_probe);
  forget(container.readiness_probe);
  forget(container.startup_probe);
  forget(container.lifecycle);
  forget(container.security_context);
  forget(container.termination_message_path);
}

}  // namespace

void trim_pod(api::core_v1::Pod& pod) {
  std::erase_if(pod.metadata.annotations,
                [](const auto& each) { return each.first != kPodDeletionCost; });
  forget(pod.spec.security_context);
  for (auto& container : pod.spec.init_containers) trim_container(container);
  for (auto& container : pod.spec.containers) trim_container(container);
  for (auto& container : pod.spec.ephemeral_containers) trim_container(container);
}

}  // namespace pinnace::client
