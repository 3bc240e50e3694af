#include "kubelet/pod/service_links.h"

namespace pinnace::kubelet {

ServiceLinks::ServiceLinks(const client::Client& api, Executor& executor)
    : services_(api, executor) {
  services_.on_change([this](const std::string& key) {
    auto service = services_.get(key);
    const std::lock_guard lock(mutex_);
    if (service)
      known_[key] = std::move(service);
    else
      known_.erase(key);
  });
}

Environment ServiceLinks::environment(const core::Pod& pod) const {
  Environment out;
  const std::lock_guard lock(mutex_);
  const auto api_server = known_.find("default/kubernetes");
  if (api_server != known_.end()) add_service_variables(*api_server->second, out);
  if (!pod.spec.enable_service_links.value_or(true)) return out;
  const std::string prefix = pod.metadata.namespace_ + '/';
  for (auto it = known_.lower_bound(prefix); it != known_.end() && it->first.starts_with(prefix);
       ++it) {
    add_service_variables(*it->second, out);
  }
  return out;
}

}  // namespace pinnace::kubelet
