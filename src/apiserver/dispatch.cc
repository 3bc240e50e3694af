// Which handler carries out a verb on a resource or subresource.
#include <algorithm>
#include <array>

#include "apiserver/admission/subresource_admission.h"
#include "apiserver/authentication/token_request.h"
#include "apiserver/authorization/reviews.h"
#include "apiserver/proxy/kubelet_proxy.h"
#include "apiserver/proxy/service_proxy.h"
#include "apiserver/registry/component_statuses.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/registry.h"
#include "apiserver/routes.h"
#include "apiserver/subresources/deployment_rollback.h"
#include "apiserver/subresources/eviction.h"
#include "apiserver/subresources/pod_binding.h"

namespace pinnace::apiserver {
namespace {

using Handle = void (*)(const BackendRef&, const CallRef&);

// Subresources and resources that are not kept have handlers of their own. First match counts.
struct Special {
  std::string_view group;        // of the resource
  std::string_view resource;     // "*": any
  std::string_view subresource;  // "": the resource itself
  std::string_view verbs;        // space-separated; "*": any
  Handle handle;
  bool connects = false;  // To a pod, service or node; admission has its say before.
};

constexpr Special kSpecials[] = {
    {"*", "*", "scale", "get", get_scale},
    {"*", "*", "scale", "update patch", update_object},
    {"*", "*", "status", "get", get_object},
    {"*", "*", "status", "update patch", update_object},
    {"", "namespaces", "finalize", "update", update_object},
    {"", "pods", "ephemeralcontainers", "get", get_object},
    {"", "pods", "ephemeralcontainers", "update patch", update_object},
    {"", "pods", "resize", "get", get_object},
    {"", "pods", "resize", "update patch", update_object},
    {"", "pods", "binding", "create", bind_pod},
    {"", "pods", "eviction", "create", evict_pod},
    {"", "pods", "log", "get", proxy_to_kubelet},
    {"", "pods", "exec", "*", proxy_to_kubelet, true},
    {"", "pods", "attach", "*", proxy_to_kubelet, true},
    {"", "pods", "portforward", "*", proxy_to_kubelet, true},
    {"", "pods", "proxy", "*", proxy_to_pod, true},
    {"", "services", "proxy", "*", proxy_to_service, true},
    {"", "nodes", "proxy", "*", proxy_to_node, true},
    {"extensions", "deployments", "rollback", "create", roll_back_deployment},
    {"apps", "deployments", "rollback", "create", roll_back_deployment},
    {"", "serviceaccounts", "token", "create", request_token},
    {"certificates.k8s.io", "certificatesigningrequests", "approval", "get", get_object},
    {"certificates.k8s.io", "certificatesigningrequests", "approval", "update patch",
     update_object},
    {"", "bindings", "", "create", bind_pod},
    {"", "componentstatuses", "", "get list", component_statuses},
    {"authorization.k8s.io", "selfsubjectaccessreviews", "", "create", review_self_access},
    {"authorization.k8s.io", "subjectaccessreviews", "", "create", review_access},
    {"authorization.k8s.io", "localsubjectaccessreviews", "", "create", review_access},
    {"authorization.k8s.io", "selfsubjectrulesreviews", "", "create", review_self_rules},
    {"authentication.k8s.io", "tokenreviews", "", "create", review_token},
    {"authentication.k8s.io", "selfsubjectreviews", "", "create", review_self},
};

bool names_verb(std::string_view verbs, std::string_view verb) {
  if (verbs == "*") return true;
  while (!verbs.empty()) {
    const auto end = verbs.find(' ');
    if (verbs.substr(0, end) == verb) return true;
    verbs = end == std::string_view::npos ? std::string_view() : verbs.substr(end + 1);
  }
  return false;
}

const Special* find_special(const RequestInfo& info) {
  for (const Special& special : kSpecials) {
    const bool is_resource = special.resource == "*" ||
                             (special.resource == info.resource && special.group == info.group);
    if (is_resource && special.subresource == info.subresource &&
        names_verb(special.verbs, info.verb)) {
      return &special;
    }
  }
  return nullptr;
}

Unexpected not_allowed(const Call& call) {
  if (call.resource->custom == nullptr) return errors::unrouted(405);
  return errors::method_not_supported(resource_text(*call.resource), call.info.verb);
}

// Kubernetes' router knows HEAD where it goes to a proxy, and hands all about custom kinds over.
bool is_unknown_head(const Call& call) {
  return call.request.method == "HEAD" && call.resource->custom == nullptr &&
         call.info.subresource != "proxy";
}

// Of what is only made, as reviews and bindings, there are no single ones to ask for.
bool is_one_of_none(const Call& call) {
  const RequestInfo& info = call.info;
  const bool is_list = info.verb == "list" || info.verb == "watch";
  if (info.name.empty() || is_list || !info.subresource.empty()) return false;
  return std::ranges::none_of(std::to_array({"get", "update", "patch", "delete"}),
                              [&](auto verb) { return call.resource->has_verb(verb); });
}

// POST goes to a collection, PUT and PATCH to one of it.
bool is_misplaced(const RequestInfo& info) {
  if (info.verb == "create") return !info.name.empty();
  return (info.verb == "update" || info.verb == "patch") && info.name.empty();
}

}  // namespace

Result<void> dispatch(const BackendRef& backend, const CallRef& call) {
  const RequestInfo& info = call->info;
  if (is_one_of_none(*call)) return errors::unrouted(404);
  if (is_unknown_head(*call)) return not_allowed(*call);
  if (const Special* special = find_special(info)) {
    if (special->connects)
      admit_connection(backend, call, special->handle);
    else
      special->handle(backend, call);
    return {};
  }
  if (call->storage == nullptr || !info.subresource.empty() || is_misplaced(info) ||
      !call->resource->has_verb(info.verb)) {
    return not_allowed(*call);
  }
  if (call->resource->namespaced && info.ns.empty() &&
      (info.verb == "create" || info.verb == "deletecollection")) {
    return not_allowed(*call);
  }
  if (info.verb == "get")
    get_object(backend, call);
  else if (info.verb == "list")
    list_objects(backend, call);
  else if (info.verb == "watch")
    watch_objects(backend, call);
  else if (info.verb == "create")
    create_object(backend, call);
  else if (info.verb == "update" || info.verb == "patch")
    update_object(backend, call);
  else if (info.verb == "delete")
    delete_object(backend, call);
  else if (info.verb == "deletecollection")
    delete_collection(backend, call);
  return {};
}

}  // namespace pinnace::apiserver
