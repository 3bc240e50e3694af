// Admission that looks at the cluster: namespaces, nodes' identities, rights.
#include <algorithm>

#include "api/json.h"
#include "apiserver/admission/admission_plugins.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kRestrictedLabel = "node-restriction.kubernetes.io/";
constexpr std::string_view kImmortal[] = {"default", "kube-system", "kube-public"};

Result<void> check_deletable(const Change& change) {
  const bool is_immortal = change.storage.storage_resource == "namespaces" &&
                           std::ranges::find(kImmortal, change.name) != std::end(kImmortal);
  if (is_immortal) return admission_refusal(change, "this namespace may not be deleted");
  return {};
}

}  // namespace

Result<void> admit_namespace_lifecycle(AdmissionRequest& request) {
  const Change& change = request.change;
  if (request.operation == Operation::kDelete) return check_deletable(change);
  if (!change.storage.namespaced) return {};
  const auto found = change.backend.store().get({"namespaces", "", change.ns});
  if (!found) return errors::not_found("namespaces", change.ns);
  if ((*found)->json.find("\"deletionTimestamp\":\"") == std::string::npos) return {};
  api::Arena arena;
  const auto parsed = api::parse_json(arena, (*found)->json);
  if (!parsed || !is_being_deleted(*parsed)) return {};
  auto refused = admission_refusal(change, "unable to create new content in namespace " +
                                               change.ns + " because it is being terminated");
  Error error = std::move(refused.error());
  error.causes.push_back({"NamespaceTerminating", "namespace " + change.ns + " is being terminated",
                          "metadata.namespace"});
  return std::unexpected(std::move(error));
}

namespace {

// A node lets go of its own pods and its own lease only.
Result<void> check_node_deletion(const Change& change, const std::string& node,
                                 const api::Value& object) {
  const std::string_view resource = change.storage.storage_resource;
  const auto* spec = object.find("spec");
  if (resource == "pods" && (spec == nullptr || spec->string_at("nodeName") != node)) {
    return admission_refusal(
        change, "node \"" + node + "\" can only delete pods with spec.nodeName set to itself");
  }
  if (resource == "coordination.k8s.io/leases" && change.name != node) {
    return admission_refusal(
        change, "can only access node lease with the same name as the requesting node");
  }
  return {};
}

// Labels that steer pods to nodes are not the nodes' to give.
bool changes_restricted_labels(const api::Value& object, const api::Value* old) {
  const auto* labels = object.find_path({"metadata", "labels"});
  const auto* before = old == nullptr ? nullptr : old->find_path({"metadata", "labels"});
  const auto differs = [](const api::Value* from, const api::Value* to) {
    if (from == nullptr || !from->is_object()) return false;
    for (const auto& [key, value] : from->members()) {
      if (!key.starts_with(kRestrictedLabel)) continue;
      const auto* other = to == nullptr ? nullptr : to->find(key);
      if (other == nullptr || !api::equal(value, *other)) return true;
    }
    return false;
  };
  return differs(labels, before) || differs(before, labels);
}

}  // namespace

Result<void> admit_node_restriction(AdmissionRequest& request) {
  Change& change = request.change;
  const std::string node = node_of(change.call.user);
  if (node.empty()) return {};
  if (request.operation == Operation::kDelete) {
    return check_node_deletion(change, node, *request.old);
  }
  const api::Value& object = *request.object;
  const api::Value* old = request.old;
  const bool creates = request.operation == Operation::kCreate;
  const std::string_view resource = change.storage.storage_resource;
  if (resource == "nodes" && change.name != node) {
    return admission_refusal(
        change, "node \"" + node + "\" is not allowed to modify node \"" + change.name + "\"");
  }
  if (resource == "nodes" && changes_restricted_labels(object, old)) {
    return admission_refusal(
        change, "is not allowed to modify labels with the prefix " + std::string(kRestrictedLabel));
  }
  if (resource == "coordination.k8s.io/leases" &&
      (change.ns != "kube-node-lease" || change.name != node)) {
    return admission_refusal(
        change, "can only access node lease with the same name as the requesting node");
  }
  if (resource != "pods") return {};
  if (creates && !object.find_path({"metadata", "annotations", "kubernetes.io/config.mirror"})) {
    return admission_refusal(
        change, "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"" + node +
                    "\" can only create mirror pods");
  }
  if (creates && !references_of_pod(object).empty()) {
    return admission_refusal(change,
                             "node \"" + node +
                                 "\" can not create pods that reference secrets, configmaps or "
                                 "persistentvolumeclaims");
  }
  const auto* spec = (old != nullptr ? *old : object).find("spec");
  if (spec != nullptr && spec->string_at("nodeName") != node) {
    return admission_refusal(change,
                             "node \"" + node +
                                 "\" can only update pod status for pods with spec.nodeName set "
                                 "to itself");
  }
  return {};
}

}  // namespace pinnace::apiserver
