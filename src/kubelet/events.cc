#include "kubelet/events.h"

#include <algorithm>

namespace pinnace::kubelet {

core::ObjectReference reference_to(const core::Pod& pod, const core::Container* container) {
  core::ObjectReference out;
  out.api_version = "v1";
  out.kind = "Pod";
  out.namespace_ = pod.metadata.namespace_;
  out.name = pod.metadata.name;
  out.uid = pod.metadata.uid;
  out.resource_version = pod.metadata.resource_version;
  if (container) {
    const auto is_it = [&](const auto& each) { return each.name == container->name; };
    const char* list = "spec.containers{";
    if (std::ranges::any_of(pod.spec.init_containers, is_it)) list = "spec.initContainers{";
    if (std::ranges::any_of(pod.spec.ephemeral_containers, is_it))
      list = "spec.ephemeralContainers{";
    out.field_path = list + container->name + '}';
  }
  return out;
}

}  // namespace pinnace::kubelet
