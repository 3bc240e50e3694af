// What a Service says about a pod: is it an endpoint, under which address and ports.
//
// Source: Kubernetes Service documentation: named target ports, headless Services,
//   publishNotReadyAddresses; "DNS for Services and Pods" for hostname and subdomain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/support/pods.h"

namespace pinnace::controllers {

inline constexpr std::string_view kHeadlessLabel = "service.kubernetes.io/headless";
inline constexpr std::string_view kTriggerTime = "endpoints.kubernetes.io/last-change-trigger-time";

bool is_headless(const core_v1::Service& service);
// Has a selector, and is not a mere name for something outside.
bool selects_pods(const core_v1::Service& service);

// Runs or may run, and has an address. Those that are leaving count only on request.
bool may_be_endpoint(const core_v1::Pod& pod, bool include_terminating);

// The number behind the Service's targetPort in this pod; nothing if the pod lacks the name.
std::optional<std::int32_t> target_port(const core_v1::Pod& pod, const core_v1::ServicePort& port);

// The pod answers to its own name below the Service's.
bool has_hostname_in(const core_v1::Pod& pod, const core_v1::Service& service);

core_v1::ObjectReference reference_to(const core_v1::Pod& pod);

// The pod's addresses of one family ("IPv4", "IPv6").
std::vector<std::string> addresses(const core_v1::Pod& pod, std::string_view family);

// A pod changed in a way that endpoints show.
bool endpoint_changed(const core_v1::Pod& before, const core_v1::Pod& after);

}  // namespace pinnace::controllers
