// Namespaces, Nodes, Leases, Events: what a cluster is made of.
#include <algorithm>
#include <set>

#include "api/quantity.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kNamespaceFinalizer = "kubernetes";

// -- Namespace

// Every namespace carries its name as a label, whatever the client says.
void set_name_label(Change& change, api::Value& object) {
  meta_of(change.arena, object)
      .ensure_object(change.arena, "labels")
      .set_ref(change.arena, "kubernetes.io/metadata.name", change.text(change.name));
}

// A namespace lives until its contents are gone: the namespace controller takes the finalizer away.
Result<void> prepare_namespace(Change& change, api::Value& object) {
  api::Value& spec = object.ensure_object(change.arena, "spec");
  const auto* own = spec.find("finalizers");
  api::Value finalizers = api::Value::array();
  bool has_own = false;
  if (own != nullptr && own->is_array()) {
    for (const auto& item : own->items()) {
      has_own = has_own || (item.is_string() && item.as_string() == kNamespaceFinalizer);
      finalizers.append(change.arena, item);
    }
  }
  if (!has_own) finalizers.append(change.arena, api::Value::string_ref(kNamespaceFinalizer));
  spec.set_ref(change.arena, "finalizers", finalizers);
  object.ensure_object(change.arena, "status")
      .set_ref(change.arena, "phase", api::Value::string_ref("Active"));
  set_name_label(change, object);
  return {};
}

// Finalizers of a namespace change by their own subresource only.
Result<void> prepare_namespace_update(Change& change, api::Value& object, const api::Value& old) {
  set_name_label(change, object);
  if (change.subresource == "finalize") return {};
  const auto* before = old.find_path({"spec", "finalizers"});
  api::Value& spec = object.ensure_object(change.arena, "spec");
  if (before == nullptr)
    spec.erase("finalizers");
  else
    spec.set_ref(change.arena, "finalizers", *before);
  return {};
}

void validate_namespace(Change& change, const api::Value& object) {
  for (const Field& item : root(change, object)["spec"]["finalizers"].items()) {
    item.as("spec.finalizers").each(api::check_qualified_name(item.text()));
  }
}

// -- Node

void validate_taints(const Field& taints) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const Field& taint : taints.items()) {
    const Field key = taint["key"];
    const Field effect = taint["effect"];
    key.each(api::check_qualified_name(key.text()));
    const Field value = taint["value"];
    value.each(api::check_label_value(value.text()));
    effect.require();
    if (!seen.emplace(key.text(), effect.text()).second) taint.duplicate();
  }
}

void validate_node(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_taints(spec["taints"]);
  std::set<std::string, std::less<>> ranges;
  for (const Field& range : spec["podCIDRs"].items()) {
    range.each(api::check_cidr(range.text()));
    if (!ranges.emplace(range.text()).second) range.duplicate();
  }
}

// What a node once was told stays.
void keep_node(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  const auto* before = old.find("spec");
  const auto* ranges = before == nullptr ? nullptr : before->find("podCIDRs");
  if (ranges != nullptr && !ranges->empty() &&
      (!spec["podCIDRs"].is_set() || !api::equal(*ranges, *spec["podCIDRs"].value()))) {
    spec["podCIDRs"].forbidden("node updates may not change podCIDR except from \"\" to valid");
  }
  const std::string_view provider = before == nullptr ? "" : before->string_at("providerID");
  if (!provider.empty() && spec["providerID"].text() != provider) {
    spec["providerID"].forbidden(
        "node updates may not change providerID except from \"\" to valid");
  }
}

// -- Lease

void validate_lease(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field duration = spec["leaseDurationSeconds"];
  if (duration.is_set() && duration.number() <= 0) duration.invalid("must be greater than 0");
  spec["leaseTransitions"].at_least(0);
}

// -- Event

void validate_event(Change& change, const api::Value& object) {
  const Field event = root(change, object);
  const Field about = event["involvedObject"]["namespace"];
  const bool is_about_cluster = about.empty();
  const std::string_view wanted = is_about_cluster ? std::string_view("default") : about.text();
  const std::string_view system = "kube-system";
  if (event["metadata"]["namespace"].text() != wanted &&
      !(is_about_cluster && event["metadata"]["namespace"].text() == system)) {
    about.invalid("does not match event.namespace");
  }
}

}  // namespace

const Strategy kNamespaceStrategy{
    .storage_resource = "namespaces",
    .check_name = api::check_dns1123_label,
    .returns_deleted = true,
    .prepare_create = prepare_namespace,
    .prepare_update = prepare_namespace_update,
    .validate = validate_namespace,
};
const Strategy kNodeStrategy{
    .storage_resource = "nodes",
    .keeps_status = true,
    .validate = validate_node,
    .validate_update = keep_node,
};
const Strategy kLeaseStrategy{
    .storage_resource = "coordination.k8s.io/leases",
    .create_on_update = true,
    .durable = false,
    .validate = validate_lease,
};
const Strategy kEventStrategy{
    .storage_resource = "events",
    .create_on_update = true,
    .durable = false,
    .validate = validate_event,
};

}  // namespace pinnace::apiserver
