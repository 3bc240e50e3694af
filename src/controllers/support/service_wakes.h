// Wakes a Service's key when the Service, or a pod that it selects, changes in a way that
// endpoints show.
#pragma once

#include "controllers/informers.h"
#include "controllers/support/controller.h"
#include "controllers/support/selectors.h"
#include "controllers/support/service_pods.h"

namespace pinnace::controllers {

inline void wake_services(Informers& informers, Worker& worker) {
  informers.services.on_change([&worker](const std::string& key) { worker.add(key); });
  informers.pods.on_transition([&informers, &worker](const PodRef& before, const PodRef& after) {
    if (before && after && !endpoint_changed(*before, *after)) return;
    const auto& ns = (after ? after : before)->metadata.namespace_;
    for (const auto& service : informers.services.in_namespace(ns)) {
      if ((before && matches(service->spec.selector, before->metadata.labels)) ||
          (after && matches(service->spec.selector, after->metadata.labels))) {
        worker.add(key_of(service->metadata));
      }
    }
  });
}

// The pods of the Service's namespace that it selects.
inline std::vector<PodRef> selected_pods(const Informers& informers,
                                         const core_v1::Service& service) {
  auto pods = informers.pods.in_namespace(service.metadata.namespace_);
  std::erase_if(pods, [&](const PodRef& pod) {
    return !matches(service.spec.selector, pod->metadata.labels);
  });
  return pods;
}

}  // namespace pinnace::controllers
