#include "apiserver/registry/go_types.h"

namespace pinnace::apiserver {

std::string_view internal_package(std::string_view group, std::string_view kind) {
  if (group.empty() || group == "events.k8s.io") return "core";
  if (group == "internal.apiserver.k8s.io") return "apiserverinternal";
  if (group == "extensions") {
    if (kind == "Ingress" || kind == "NetworkPolicy") return "networking";
    return kind == "PodSecurityPolicy" ? "policy" : "apps";
  }
  return group.substr(0, group.find('.'));
}

std::string internal_type(const api::ResourceInfo& resource, bool is_list) {
  const std::string list = is_list ? "List" : "";
  if (resource.custom != nullptr) return "*unstructured.Unstructured" + list;
  return "*" + std::string(internal_package(resource.group, resource.kind)) + "." +
         std::string(resource.kind) + list;
}

}  // namespace pinnace::apiserver
