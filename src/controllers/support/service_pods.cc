#include "controllers/support/service_pods.h"

namespace pinnace::controllers {

bool is_headless(const core_v1::Service& service) { return service.spec.cluster_ip == "None"; }

bool selects_pods(const core_v1::Service& service) {
  return !service.spec.selector.empty() && service.spec.type != "ExternalName";
}

bool may_be_endpoint(const core_v1::Pod& pod, bool include_terminating) {
  if (is_finished(pod)) return false;
  if (pod.status.pod_ip.empty() && pod.status.pod_ips.empty()) return false;
  return include_terminating || !is_deleting(pod);
}

namespace {

std::optional<std::int32_t> find_port(const std::vector<core_v1::Container>& containers,
                                      const core_v1::ServicePort& port) {
  for (const auto& container : containers) {
    for (const auto& candidate : container.ports) {
      if (candidate.name == port.target_port.string_value && candidate.protocol == port.protocol) {
        return candidate.container_port;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int32_t> target_port(const core_v1::Pod& pod, const core_v1::ServicePort& port) {
  if (!port.target_port.is_string) {
    return port.target_port.int_value != 0 ? port.target_port.int_value : port.port;
  }
  if (auto found = find_port(pod.spec.containers, port)) return found;
  // A sidecar is an init container that keeps running.
  for (const auto& container : pod.spec.init_containers) {
    if (container.restart_policy.value_or("") != "Always") continue;
    if (auto found = find_port({container}, port)) return found;
  }
  return std::nullopt;
}

bool has_hostname_in(const core_v1::Pod& pod, const core_v1::Service& service) {
  return !pod.spec.hostname.empty() && pod.spec.subdomain == service.metadata.name &&
         pod.metadata.namespace_ == service.metadata.namespace_;
}

core_v1::ObjectReference reference_to(const core_v1::Pod& pod) {
  core_v1::ObjectReference reference;
  reference.kind = "Pod";
  reference.namespace_ = pod.metadata.namespace_;
  reference.name = pod.metadata.name;
  reference.uid = pod.metadata.uid;
  return reference;
}

std::vector<std::string> addresses(const core_v1::Pod& pod, std::string_view family) {
  std::vector<std::string> found;
  const auto add = [&](const std::string& address) {
    const bool is_v6 = address.find(':') != std::string::npos;
    if (!address.empty() && is_v6 == (family == "IPv6")) found.push_back(address);
  };
  if (pod.status.pod_ips.empty()) add(pod.status.pod_ip);
  for (const auto& address : pod.status.pod_ips) add(address.ip);
  return found;
}

bool endpoint_changed(const core_v1::Pod& before, const core_v1::Pod& after) {
  return before.metadata.labels != after.metadata.labels ||
         before.status.pod_ip != after.status.pod_ip ||
         !(before.status.pod_ips == after.status.pod_ips) ||
         before.spec.node_name != after.spec.node_name || is_ready(before) != is_ready(after) ||
         is_deleting(before) != is_deleting(after) || is_finished(before) != is_finished(after);
}

}  // namespace pinnace::controllers
