// The environment and the expanded command line of a container.
//
// Source: Kubernetes API reference, EnvVar, EnvFromSource, Container.command.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/types/core_v1.h"
#include "base/error.h"

namespace pinnace::kubelet {

namespace core = api::core_v1;

using Environment = std::map<std::string, std::string, std::less<>>;

// Replaces $(NAME) by the variable's value; "$$" is a "$", and unknown names stay as they are.
std::string expand_variables(std::string_view text, const Environment& variables);

// Facts about the pod that fieldRef can name but the object does not hold yet.
struct PodFacts {
  std::string node_name;
  std::string host_ip;
  std::vector<std::string> pod_ips;
  std::int64_t node_cpu_milli = 0;  // Stand in for limits that are not set.
  std::int64_t node_memory_bytes = 0;
};

// "metadata.name", "metadata.labels['a']", "status.podIP"...; 400 for one that does not exist.
Result<std::string> field_value(const core::Pod& pod, const PodFacts& facts, std::string_view path);
// "limits.cpu" and so on, in units of the divisor, rounded up.
Result<std::string> resource_value(const core::Container& container, const PodFacts& facts,
                                   std::string_view resource, const api::Quantity& divisor);

// Reads the objects that variables come from; 404 where there is none.
struct EnvSources {
  std::function<Result<std::map<std::string, std::string, std::less<>>>(const std::string&name)>
      config_map, secret;
};

// `services` are those of the pod's namespace, and kubernetes.default. Later definitions win.
// Errors: 400 with the message that stands in CreateContainerConfigError.
Result<Environment> make_environment(const core::Pod& pod, const core::Container& container,
                                     const PodFacts& facts, const EnvSources& sources,
                                     const Environment& services);

// WEB_SERVICE_HOST and its kin for one Service; nothing for headless ones.
void add_service_variables(const core::Service& service, Environment& out);

}  // namespace pinnace::kubelet
