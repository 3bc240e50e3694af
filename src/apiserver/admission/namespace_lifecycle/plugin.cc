// NamespaceLifecycle: nothing is made in a namespace that is not there or is going, and the first
// namespaces cannot be deleted.
#include <algorithm>

#include "api/json.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kImmortal[] = {"default", "kube-system", "kube-public"};

// What may be asked of a namespace that is not there.
bool is_access_review(const Call& call) {
  return call.resource->group == "authorization.k8s.io" &&
         call.resource->name == "localsubjectaccessreviews";
}

Unexpected terminating(const Change& change) {
  auto refused = admission_refusal(change, "unable to create new content in namespace " +
                                               change.ns + " because it is being terminated");
  refused.error().causes.push_back({"NamespaceTerminating",
                                    "namespace " + change.ns + " is being terminated",
                                    "metadata.namespace"});
  return refused;
}

Result<void> check_namespace(AdmissionRequest& request) {
  const Change& change = request.change;
  if (request.is(Operation::kDelete)) {
    const bool is_immortal = request.resource() == "namespaces" && change.subresource.empty() &&
                             std::ranges::find(kImmortal, change.name) != std::end(kImmortal);
    if (is_immortal) return admission_refusal(change, "this namespace may not be deleted");
    return {};
  }
  if (!change.storage.namespaced || change.ns.empty() || is_access_review(change.call)) return {};
  const auto found = change.backend.store().get({"namespaces", "", change.ns});
  if (!found) return errors::not_found("namespaces", change.ns);
  if (!request.is(Operation::kCreate)) return {};
  if (!mentions(**found, "\"deletionTimestamp\":\"")) return {};
  api::Arena arena;
  const auto parsed = parse_stored(arena, **found);
  if (!parsed || !is_being_deleted(*parsed)) return {};
  return terminating(change);
}

}  // namespace

constinit const AdmissionPlugin kNamespaceLifecycle{.name = "NamespaceLifecycle",
                                                    .resources = "",
                                                    .subresources = "*",
                                                    .operations = kWrites | kDeletes,
                                                    .mutate = check_namespace};

}  // namespace pinnace::apiserver
