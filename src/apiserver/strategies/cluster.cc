// Namespaces, Nodes, PersistentVolumes and claims, Leases, Events: what a cluster is made of.
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

// -- PersistentVolume and PersistentVolumeClaim

void validate_access_modes(const Field& modes) {
  if (modes.empty()) return modes.required("at least 1 access mode is required");
  bool once_pod = false;
  for (const Field& mode : modes.items()) once_pod = once_pod || mode.text() == "ReadWriteOncePod";
  if (once_pod && modes.size() > 1) {
    modes.forbidden("may not use ReadWriteOncePod with other access modes");
  }
}

// Storage of more than nothing.
void validate_storage(const Field& amount) {
  const auto parsed = api::Quantity::parse(amount.text());
  if (parsed && parsed->sign() <= 0) amount.invalid("must be greater than zero");
}

void validate_volume_claim(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_label_selector(spec["selector"]);
  validate_access_modes(spec["accessModes"]);
  const Field storage = spec["resources"]["requests"].at_key("storage");
  if (!storage.is_set())
    storage.required();
  else
    validate_storage(storage);
  const Field storage_class = spec["storageClassName"];
  if (!storage_class.empty())
    storage_class.each(api::check_dns1123_subdomain(storage_class.text()));
}

void keep_volume_claim(Change& change, const api::Value& object, const api::Value& old) {
  const auto* before = old.find("spec");
  const auto* spec = object.find("spec");
  if (before == nullptr || spec == nullptr) return;
  api::Value same = api::deep_copy(change.arena, *spec);
  const auto allow = [&](const char* key) {
    const auto* value = before->find(key);
    if (value == nullptr)
      same.erase(key);
    else
      same.set_ref(change.arena, key, *value);
  };
  const Field field = root(change, object)["spec"];
  if (before->string_at("volumeName").empty()) allow("volumeName");
  allow("volumeAttributesClassName");
  const bool is_bound =
      old.find("status") != nullptr && old.find("status")->string_at("phase") == "Bound";
  if (is_bound) {
    const Field asked = field["resources"]["requests"].at_key("storage");
    const auto* was = before->find_path({"resources", "requests", "storage"});
    const auto now = api::Quantity::parse(asked.text());
    const auto then = was != nullptr && was->is_string() ? api::Quantity::parse(was->as_string())
                                                         : Result<api::Quantity>(api::Quantity());
    if (now && then && *now < *then) asked.forbidden("field can not be less than status.capacity");
    allow("resources");
  }
  if (before->string_at("storageClassName").empty()) allow("storageClassName");
  if (api::equal(same, *before)) return;
  field.forbidden(
      "spec is immutable after creation except resources.requests and volumeAttributesClassName "
      "for "
      "bound claims");
}

void validate_volume(Change& change, const api::Value& object) {
  static const api::TypeInfo& kSources =
      *api::builtin_schema().find_type("", "v1", "PersistentVolumeSource");
  const Field spec = root(change, object)["spec"];
  validate_access_modes(spec["accessModes"]);
  const Field capacity = spec["capacity"];
  const Field storage = capacity.at_key("storage");
  if (capacity.empty()) {
    capacity.required();
  } else if (!storage.is_set() || capacity.size() > 1) {
    capacity.not_supported({"storage"});
  } else {
    validate_storage(storage);
  }
  std::size_t count = 0;
  for (const api::FieldInfo& source : kSources.fields) {
    const Field one = spec[source.name];
    if (!one.is_set()) continue;
    if (++count > 1) one.forbidden("may not specify more than 1 volume type");
  }
  if (count == 0) spec.required("must specify a volume type");
  const Field required = spec["nodeAffinity"]["required"];
  if (required.is_set()) validate_node_selector(required);
  if (spec["local"].is_set() && !required.is_set()) {
    spec["nodeAffinity"].required("Local volume requires node affinity");
  }
}

void keep_volume(Change& change, const api::Value& object, const api::Value& old) {
  static const api::TypeInfo& kSources =
      *api::builtin_schema().find_type("", "v1", "PersistentVolumeSource");
  const auto* before = old.find("spec");
  const Field spec = root(change, object)["spec"];
  if (before == nullptr) return;
  for (const api::FieldInfo& source : kSources.fields) {
    const auto* was = before->find(source.name);
    const Field now = spec[source.name];
    if (was == nullptr && !now.is_set()) continue;
    if (was != nullptr && now.is_set() && api::equal(*was, *now.value())) continue;
    return spec.as("spec.persistentvolumesource")
        .forbidden("spec.persistentvolumesource is immutable after creation");
  }
  spec["volumeMode"].immutable(before->find("volumeMode"));
}

// -- StorageClass

void keep_storage_class(Change& change, const api::Value& object, const api::Value& old) {
  const Field now = root(change, object);
  for (const char* key : {"parameters", "provisioner", "reclaimPolicy"}) {
    const auto* was = old.find(key);
    const bool same = was == nullptr ? now[key].empty()
                                     : now[key].is_set() && api::equal(*was, *now[key].value());
    if (!same) now[key].forbidden("updates to " + std::string(key) + " are forbidden.");
  }
  now["volumeBindingMode"].immutable(old.find("volumeBindingMode"));
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
const Strategy kPersistentVolumeClaimStrategy{
    .storage_resource = "persistentvolumeclaims",
    .returns_deleted = true,
    .validate = validate_volume_claim,
    .validate_update = keep_volume_claim,
};
const Strategy kPersistentVolumeStrategy{
    .storage_resource = "persistentvolumes",
    .returns_deleted = true,
    .validate = validate_volume,
    .validate_update = keep_volume,
};
const Strategy kStorageClassStrategy{
    .storage_resource = "storage.k8s.io/storageclasses",
    .returns_deleted = true,
    .validate_update = keep_storage_class,
};

}  // namespace pinnace::apiserver
