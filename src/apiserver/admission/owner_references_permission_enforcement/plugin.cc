// OwnerReferencesPermissionEnforcement: an owner that blocks deletion is only for those who could
// hold the owner back anyway; and who changes owners must be allowed to delete.
#include <algorithm>
#include <set>

#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"

namespace pinnace::apiserver {
namespace {

bool changes_owners(const AdmissionRequest& request) {
  const auto after = items_at(request.object->find("metadata"), "ownerReferences");
  if (request.old == nullptr) return !after.empty();
  const auto before = items_at(request.old->find("metadata"), "ownerReferences");
  return !std::ranges::equal(before, after,
                             [](const api::Value& a, const api::Value& b) { return equal(a, b); });
}

// The references that block and did not before.
std::vector<const api::Value*> newly_blocking(const AdmissionRequest& request) {
  std::set<std::string_view> blocked;
  if (request.old != nullptr) {
    for (const auto& owner : items_at(request.old->find("metadata"), "ownerReferences")) {
      if (owner.bool_at("blockOwnerDeletion")) blocked.insert(owner.string_at("uid"));
    }
  }
  std::vector<const api::Value*> out;
  for (const auto& owner : items_at(request.object->find("metadata"), "ownerReferences")) {
    const bool is_new =
        owner.bool_at("blockOwnerDeletion") && blocked.count(owner.string_at("uid")) == 0;
    if (is_new) out.push_back(&owner);
  }
  return out;
}

// "" when the user may do it, else why not, as Go shows a reason and an error.
std::string why_not(const AdmissionRequest& request, const Attributes& wanted) {
  const Change& change = request.change;
  const auto decision = change.backend.authorization->decide(change.call.user, wanted, false);
  if (!decision) return ", <nil>";
  if (decision->verdict == Verdict::kAllow) return {};
  return decision->reason + ", " + (decision->error.empty() ? "<nil>" : decision->error);
}

Result<void> check_blocking(const AdmissionRequest& request, const api::Value& owner) {
  const Change& change = request.change;
  const std::string version(owner.string_at("apiVersion"));
  const auto slash = version.find('/');
  const std::string group = slash == std::string::npos ? "" : version.substr(0, slash);
  const auto catalog = change.backend.catalog.current();
  const auto* kind =
      catalog->find_kind(group, slash == std::string::npos ? version : version.substr(slash + 1),
                         owner.string_at("kind"));
  constexpr std::string_view kRefusal =
      "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set "
      "finalizers on: ";
  if (kind == nullptr) {
    const std::string shown(owner.string_at("kind"));
    return admission_refusal(
        change,
        "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for "
        "APIVersion " +
            version + " Kind " + shown + ": no matches for kind \"" + shown + "\" in version \"" +
            version + "\"");
  }
  Attributes wanted;
  wanted.verb = "update";
  wanted.group = group;
  wanted.resource = kind->name;
  wanted.subresource = "finalizers";
  wanted.ns = kind->namespaced ? change.ns : "";
  wanted.name = owner.string_at("name");
  const std::string why = why_not(request, wanted);
  return why.empty() ? Result<void>() : admission_refusal(change, std::string(kRefusal) + why);
}

Result<void> check_owners(AdmissionRequest& request) {
  const Change& change = request.change;
  // Agents of old spoil them; the pod's strategy keeps what is there.
  if (request.resource() == "pods" && change.subresource == "status") return {};
  if (!changes_owners(request)) return {};
  if (request.is(Operation::kUpdate)) {
    Attributes wanted;
    wanted.verb = "delete";
    wanted.group = change.call.resource->group;
    wanted.resource = change.call.resource->name;
    wanted.subresource = change.subresource;
    wanted.ns = change.ns;
    wanted.name = change.name;
    if (const std::string why = why_not(request, wanted); !why.empty()) {
      return admission_refusal(change,
                               "cannot set an ownerRef on a resource you can't delete: " + why);
    }
  }
  for (const api::Value* owner : newly_blocking(request)) {
    if (auto ok = check_blocking(request, *owner); !ok) return ok;
  }
  return {};
}

}  // namespace

constinit const AdmissionPlugin kOwnerReferencesPermissionEnforcement{
    .name = "OwnerReferencesPermissionEnforcement",
    .resources = "",
    .subresources = "*",
    .operations = kWrites,
    .validate = check_owners};

}  // namespace pinnace::apiserver
