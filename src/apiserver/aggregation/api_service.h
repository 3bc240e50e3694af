// ApiService is what an APIService object says, read once; and the names that they bear.
//
// Source: kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/store.h"

namespace pinnace::apiserver {

inline constexpr std::string_view kApiRegistration = "apiregistration.k8s.io";
inline constexpr std::string_view kApiServices = "apiregistration.k8s.io/apiservices";
// On APIServices that this server made: it removes them when what they name is served no more.
inline constexpr std::string_view kAutoManaged = "kube-aggregator.kubernetes.io/automanaged";

struct ApiService {
  std::string name, group, version;
  std::int64_t group_priority = 0, version_priority = 0;
  // The Service behind which the other server is; `service` empty: served here.
  std::string ns, service;
  int port = 443;
  std::string ca_pem;
  bool skip_verification = false;
  bool is_auto_managed = false;

  bool is_local() const { return service.empty(); }
  auto operator<=>(const ApiService&) const = default;
};

Result<ApiService> read_api_service(const store::Object& object);

// "v1.apps"; "v1." for the group without a name.
std::string api_service_name(std::string_view group, std::string_view version);

struct ApiPriorities {
  std::int64_t group, version;
};
// Where Kubernetes places a group and version of its own, or of a CustomResourceDefinition.
ApiPriorities api_priorities(std::string_view group, std::string_view version, bool is_custom);
// The whole object for what is served here, as an APIService of version v1 without what the server
// fills in.
std::string local_api_service_json(std::string_view group, std::string_view version, bool is_custom,
                                   std::string_view now);

}  // namespace pinnace::apiserver
