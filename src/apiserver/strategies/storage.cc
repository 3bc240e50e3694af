// PersistentVolumes, claims of them, and StorageClasses.
#include <map>
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/pod_warnings.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "apiserver/strategies/unified_difference.h"
#include "apiserver/strategies/volume_sources.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kClassAnnotation = "volume.beta.kubernetes.io/storage-class";

void validate_access_modes(const Field& modes, const char* missing) {
  if (modes.empty()) modes.required(missing);
  bool once_pod = false, other = false;
  for (const Field& mode : modes.items()) {
    // Complaints are about the list.
    const bool known = mode.as(modes).one_of_if_set(
        {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"});
    once_pod = once_pod || mode.is("ReadWriteOncePod");
    other = other || (known && !mode.is("ReadWriteOncePod"));
  }
  if (once_pod && other) {
    modes.forbidden("may not use ReadWriteOncePod with other access modes");
  }
}

void validate_class_name(const Field& name) {
  if (!name.empty()) name.each(api::check_dns1123_subdomain(name.text()));
}

void validate_positive(const Field& amount) {
  const auto parsed = amount.amount();
  if (parsed && parsed->sign() <= 0) amount.invalid("must be greater than zero");
}

// -- PersistentVolumeClaim

void validate_data_source(const Field& source) {
  if (!source.is_set()) return;
  source["name"].require();
  source["kind"].require();
  const Field group = source["apiGroup"];
  if (group.empty() && !source["kind"].is("PersistentVolumeClaim")) {
    source.invalid_value(quoted(source["kind"].text()),
                         "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
  if (!group.empty()) group.each(api::check_dns1123_subdomain(group.text()));
  const Field ns = source["namespace"];
  if (!ns.empty()) ns.each(api::check_dns1123_label(ns.text()));
}

void validate_data_sources(const Field& spec) {
  const Field source = spec["dataSource"];
  const Field reference = spec["dataSourceRef"];
  validate_data_source(source);
  validate_data_source(reference);
  if (!source.is_set() || !reference.is_set()) return;
  constexpr const char* kShown = "{}";
  if (!reference["namespace"].empty()) {
    return spec.invalid_value(kShown,
                              "may not be specified when dataSourceRef.namespace is specified");
  }
  for (const char* key : {"apiGroup", "kind", "name"}) {
    if (source[key].same_as(reference[key].value())) continue;
    return spec.invalid_value(kShown, "must match dataSourceRef");
  }
}

void validate_claim(Change& change, const api::Value& object) {
  validate_claim_spec(root(change, object)["spec"]);
}

// A class that an annotation named before may come to stand in the field.
bool may_take_class(const Field& claim, const api::Value& old) {
  const Field name = claim["spec"]["storageClassName"];
  if (!name.is_set() || old.find_path({"spec", "storageClassName"}) != nullptr) return false;
  const auto* annotated = old.find_path({"metadata", "annotations", kClassAnnotation});
  return annotated == nullptr || (annotated->is_string() && name.is(annotated->as_string()));
}

void validate_claim_sizes(const Field& spec, const api::Value& old) {
  const Field asked = spec["resources"]["requests"].at_key("storage");
  const auto at = [&](std::initializer_list<std::string_view> path) {
    const auto* value = old.find_path(path);
    return value == nullptr || !value->is_string()
               ? api::Quantity()
               : api::Quantity::parse(value->as_string()).value_or(api::Quantity());
  };
  const auto now = asked.amount();
  if (!now || *now >= at({"spec", "resources", "requests", "storage"})) return;
  if (*now <= at({"status", "capacity", "storage"})) {
    asked.as("spec.resources.requests.storage")
        .forbidden("field can not be less than status.capacity");
  }
}

// A class that took effect may be exchanged for another one, not given up.
void validate_attributes_class(const Field& name, const api::Value& old) {
  constexpr const char* kWhen =
      " is forbidden when status.currentVolumeAttributesClassName is not nil";
  if (old.find_path({"status", "currentVolumeAttributesClassName"}) == nullptr) return;
  const auto* before = old.find_path({"spec", "volumeAttributesClassName"});
  if (!name.is_set()) {
    if (before != nullptr) name.forbidden(std::string("update to nil") + kWhen);
  } else if (name.empty() && (before == nullptr || !api::equal(*name.value(), *before))) {
    name.forbidden(std::string("update to empty string") + kWhen);
  }
}

void keep_claim(Change& change, const api::Value& object, const api::Value& old) {
  const auto* before = old.find("spec");
  const Field claim = root(change, object);
  const Field spec = claim["spec"];
  if (before == nullptr || spec.value() == nullptr) return;
  api::Value same = api::deep_copy(change.arena, *spec.value());
  const auto take = [&](api::Value& from, const api::Value* was, const char* key) {
    if (was == nullptr)
      from.erase(key);
    else
      from.set_ref(change.arena, key, *was);
  };
  const Field annotation = claim["metadata"]["annotations"].at_key(kClassAnnotation);
  api::Value bound = api::deep_copy(change.arena, *before);
  // A claim is bound once.
  if (before->string_at("volumeName").empty()) take(bound, same.find("volumeName"), "volumeName");
  const auto* annotated = old.find_path({"metadata", "annotations", kClassAnnotation});
  const bool may_take = may_take_class(claim, old);
  if (may_take) take(same, before->find("storageClassName"), "storageClassName");
  const bool moved = may_take && annotated != nullptr && !annotation.is_set();
  if (!moved && !annotation.same_as(annotated)) {
    annotation.as("metadata.annotations." + std::string(kClassAnnotation))
        .invalid_value(quoted(annotation.text()), "field is immutable");
  }
  const auto* phase = old.find_path({"status", "phase"});
  if (phase != nullptr && phase->is_string() && phase->as_string() == "Bound") {
    if (auto* requests = same.find_path({"resources", "requests"})) {
      take(*requests, before->find_path({"resources", "requests", "storage"}), "storage");
    }
    take(same, before->find("volumeAttributesClassName"), "volumeAttributesClassName");
  }
  if (!api::equal(same, bound)) {
    spec.forbidden(
        "spec is immutable after creation except resources.requests and volumeAttributesClassName "
        "for bound claims\n" +
        unified_difference(
            bound, same, *api::builtin_schema().find_type("", "v1", "PersistentVolumeClaimSpec")));
  }
  validate_claim_sizes(spec, old);
  spec["volumeMode"].as("volumeMode").immutable(before->find("volumeMode"));
  validate_attributes_class(spec["volumeAttributesClassName"], old);
}

// Says whether the name of a resource may stand in `map`.
bool validate_claim_resource(const Field& map, std::string_view name) {
  const auto complaints = api::check_qualified_name(name);
  for (const auto& text : complaints) map.invalid_value(quoted(name), text);
  const bool is_native = name.find('/') == std::string_view::npos ||
                         name.find("kubernetes.io/") != std::string_view::npos;
  const bool is_other = complaints.empty() && is_native && name != "storage";
  if (is_other) map.not_supported_value(quoted(name), {"storage"});
  return complaints.empty() && !is_other;
}

void validate_not_negative(const Field& entry) {
  const auto amount = entry.amount();
  if (!amount || amount->sign() >= 0) return;
  entry.invalid_value(std::to_string(amount->value()), "must be a valid resource quantity");
}

void validate_claim_status(Change& change, const api::Value& object, const api::Value&) {
  const Field status = root(change, object)["status"];
  for (const auto& [name, amount] : status["capacity"].entries()) validate_not_negative(amount);
  const Field states = status["allocatedResourceStatuses"];
  for (const auto& [name, state] : states.entries()) {
    validate_claim_resource(states, name);
    if (state.is_among({"ControllerResizeInProgress", "ControllerResizeInfeasible",
                        "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"})) {
      continue;
    }
    states.not_supported_value(
        quoted(name), {"ControllerResizeInProgress", "ControllerResizeInfeasible",
                       "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"});
  }
  const Field allocated = status["allocatedResources"];
  for (const auto& [name, amount] : allocated.entries()) {
    if (validate_claim_resource(allocated, name)) validate_not_negative(amount);
  }
}

void warn_about_annotation(Change& change, const api::Value& object, std::string_view key,
                           const std::string& text) {
  const Field annotation = root(change, object)["metadata"]["annotations"].at_key(key);
  if (annotation.is_set()) change.warn(annotation.path() + ": " + text);
}

void warn_about_claim(Change& change, const api::Value& object, const api::Value*) {
  warn_about_annotation(change, object, kClassAnnotation,
                        "deprecated since v1.8; use \"storageClassName\" attribute instead");
  const Field resources = root(change, object)["spec"]["resources"];
  warn_about_claim_sizes(change, resources, resources);
}

// -- PersistentVolume

void validate_capacity(const Field& capacity) {
  if (capacity.empty()) capacity.required();
  if (!capacity.at_key("storage").is_set() || capacity.size() > 1) {
    capacity.not_supported({"storage"});
  }
  for (const auto& [name, amount] : capacity.entries()) {
    validate_not_negative(amount);
    validate_positive(amount);
  }
}

// In the order in which they are looked for.
constexpr std::string_view kSourceOrder[] = {
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
};

void validate_source(const Field& spec, std::string_view name) {
  std::size_t count = 0;
  for (const std::string_view source : kSourceOrder) {
    // Kubernetes does not mind what stands before this one.
    const bool may_be_second = source == "flexVolume" && spec[source].is_set();
    if (may_be_second) ++count;
    if (!may_be_second && !is_only_source(spec, source, count)) continue;
    validate_shared_source(spec, source, {true, name, spec});
    if (source == "local" && !spec["nodeAffinity"].is_set()) {
      spec["nodeAffinity"].required("Local volume requires node affinity");
    }
  }
  if (count == 0) spec.required("must specify a volume type");
}

// "/", however it is written.
bool is_root_path(std::string_view path) {
  if (!path.starts_with('/')) return false;
  std::size_t depth = 0;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..")
      depth -= depth == 0 ? 0 : 1;
    else
      ++depth;
  }
  return depth == 0;
}

// What a volume that has no PersistentVolume may not say.
void validate_inline_volume(const Field& spec) {
  constexpr const char* kNot = "may not be specified in the context of inline volumes";
  for (const char* key : {"claimRef", "capacity"}) {
    if (!spec[key].empty()) spec[key].forbidden(kNot);
  }
  if (!spec["csi"].is_set()) {
    spec["csi"].required("has to be specified in the context of inline volumes");
  }
}

void validate_volume_affinity(const Field& affinity) {
  if (!affinity.is_set()) return;
  if (affinity["required"].is_set())
    validate_node_selector(affinity["required"]);
  else
    affinity["required"].required("must specify required node constraints");
}

}  // namespace

void validate_volume_spec(const Field& spec, std::string_view name, bool is_inline) {
  constexpr const char* kNot = "may not be specified in the context of inline volumes";
  const Field affinity = spec["nodeAffinity"];
  const Field policy = spec["persistentVolumeReclaimPolicy"];
  const Field mode = spec["volumeMode"];
  if (is_inline) validate_inline_volume(spec);
  validate_access_modes(spec["accessModes"], "");
  if (!is_inline) validate_capacity(spec["capacity"]);
  if (!is_inline) {
    policy.one_of({"Delete", "Recycle", "Retain"});
  } else if (!policy.empty() && !policy.is("Retain")) {
    policy.forbidden("may only be Retain in the context of inline volumes");
  }
  if (!is_inline) {
    validate_volume_affinity(affinity);
  } else if (affinity.is_set()) {
    affinity.forbidden(kNot);
  }
  validate_source(spec, name);
  if (is_root_path(spec["hostPath"]["path"].text()) && policy.is("Recycle")) {
    policy.forbidden("may not be 'recycle' for a hostPath mount of '/'");
  }
  if (!is_inline) {
    validate_class_name(spec["storageClassName"]);
    mode.one_of_if_set({"Block", "Filesystem"});
  } else {
    if (!spec["storageClassName"].empty()) spec["storageClassName"].forbidden(kNot);
    if (mode.is_set() && !mode.is("Filesystem")) {
      mode.forbidden(
          "may not specify volumeMode other than Filesystem in the context of inline volumes");
    }
  }
  const Field attributes = spec["volumeAttributesClassName"];
  if (is_inline || !attributes.is_set()) return;
  if (attributes.empty()) {
    attributes.required("an empty string is disallowed");
  } else {
    validate_class_name(attributes);
  }
  if (!spec["csi"].is_set()) {
    spec["csi"].required("has to be specified when using volumeAttributesClassName");
  }
}

namespace {

void validate_volume(Change& change, const api::Value& object) {
  const Field volume = root(change, object);
  validate_volume_spec(volume["spec"], volume["metadata"]["name"].text(), false);
}

// What of the spec is the source of the volume.
const api::TypeInfo& source_type() {
  static const api::TypeInfo& kSources =
      *api::builtin_schema().find_type("", "v1", "PersistentVolumeSource");
  return kSources;
}
api::Value source_of(Change& change, const api::Value& spec) {
  api::Value source = api::Value::object();
  for (const api::FieldInfo& field : source_type().fields) {
    if (const auto* one = spec.find(field.name)) source.set_ref(change.arena, field.name, *one);
  }
  return source;
}

// `before` with the keys of labels that went out of use replaced where `now` has those that came
// instead.
api::Value with_new_labels(Change& change, const api::Value& before, const Field& now) {
  constexpr std::pair<std::string_view, std::string_view> kNew[] = {
      {"failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"},
      {"failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"},
      {"beta.kubernetes.io/os", "kubernetes.io/os"},
      {"beta.kubernetes.io/arch", "kubernetes.io/arch"},
      {"beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"}};
  api::Value copy = api::deep_copy(change.arena, before);
  auto* terms = copy.find_path({"required", "nodeSelectorTerms"});
  if (terms == nullptr || !terms->is_array()) return copy;
  for (std::size_t i = 0; i < terms->size(); ++i) {
    auto* expressions = terms->items()[i].find("matchExpressions");
    if (expressions == nullptr || !expressions->is_array()) continue;
    const Field others = now["required"]["nodeSelectorTerms"].at(i)["matchExpressions"];
    for (std::size_t j = 0; j < expressions->size(); ++j) {
      api::Value& expression = expressions->items()[j];
      for (const auto& [was, is] : kNew) {
        if (expression.string_at("key") == was && others.at(j)["key"].is(is)) {
          expression.set_ref(change.arena, "key", api::Value::string_ref(is));
          break;
        }
      }
    }
  }
  return copy;
}

void keep_volume(Change& change, const api::Value& object, const api::Value& old) {
  const auto* before = old.find("spec");
  const Field spec = root(change, object)["spec"];
  if (before == nullptr || spec.value() == nullptr) return;
  const api::Value was = source_of(change, *before);
  api::Value is = source_of(change, *spec.value());
  // A secret for growing the volume may be named later.
  constexpr const char* kExpand = "controllerExpandSecretRef";
  if (was.find_path({"csi", kExpand}) == nullptr && is.find_path({"csi", kExpand}) != nullptr) {
    is = api::deep_copy(change.arena, is);
    is.find("csi")->erase(kExpand);
  }
  if (!api::equal(was, is)) {
    spec.as("spec.persistentvolumesource")
        .forbidden("spec.persistentvolumesource is immutable after creation\n" +
                   unified_difference(was, is, source_type()));
  }
  spec["volumeMode"].as("volumeMode").immutable(before->find("volumeMode"));
  const Field affinity = spec["nodeAffinity"];
  const auto* old_affinity = before->find("nodeAffinity");
  if (old_affinity != nullptr && !affinity.same_as(old_affinity) &&
      (!affinity.is_set() ||
       !api::equal(with_new_labels(change, *old_affinity, affinity), *affinity.value()))) {
    affinity.as("nodeAffinity")
        .invalid_value(affinity.shown(),
                       "field is immutable, except for updating from beta label to GA");
  }
  if (before->find("volumeAttributesClassName") != nullptr &&
      !spec["volumeAttributesClassName"].is_set()) {
    spec["volumeAttributesClassName"].forbidden("update from non-nil value to nil is forbidden");
  }
}

void warn_about_volume(Change& change, const api::Value& object, const api::Value*) {
  const Field spec = root(change, object)["spec"];
  warn_about_annotation(change, object, kClassAnnotation,
                        "deprecated since v1.8; use \"storageClassName\" attribute instead");
  warn_about_annotation(change, object, "volume.beta.kubernetes.io/mount-options",
                        "deprecated since v1.31; use \"mountOptions\" attribute instead");
  for (const Field& term : spec["nodeAffinity"]["required"]["nodeSelectorTerms"].items()) {
    warn_about_node_term(change, term);
  }
  if (spec["persistentVolumeReclaimPolicy"].is("Recycle")) {
    change.warn(spec["persistentVolumeReclaimPolicy"].path() +
                ": The Recycle reclaim policy is deprecated. Instead, the recommended approach is "
                "to use dynamic provisioning.");
  }
  struct Gone {
    const char* source;
    const char* text;
  };
  for (const Gone& gone :
       {Gone{"photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"},
        Gone{"scaleIO", "deprecated in v1.16, non-functional in v1.22+"},
        Gone{"storageos", "deprecated in v1.22, non-functional in v1.25+"},
        Gone{"glusterfs", "deprecated in v1.25, non-functional in v1.26+"},
        Gone{"quobyte", "deprecated in v1.22, non-functional in v1.25+"},
        Gone{"flocker", "deprecated in v1.22, non-functional in v1.25+"},
        Gone{"cephfs", "deprecated in v1.28, non-functional in v1.31+"},
        Gone{"rbd", "deprecated in v1.28, non-functional in v1.31+"}}) {
    if (spec[gone.source].is_set()) change.warn(spec[gone.source].path() + ": " + gone.text);
  }
}

// -- StorageClass

void validate_topologies(const Field& terms) {
  using Values = std::set<std::string, std::less<>>;
  // How many terms ask for the same. As many as there are in all ask for nothing, as it were.
  std::map<std::map<std::string, Values>, std::size_t> known{{{}, terms.size()}};
  for (const Field& term : terms.items()) {
    std::map<std::string, Values> asked;
    std::set<std::string, std::less<>> keys;
    for (const Field& one : term["matchLabelExpressions"].items()) {
      std::set<std::string, std::less<>> seen;
      if (one["values"].empty()) one["values"].required();
      for (const Field& value : one["values"].items()) {
        if (!seen.emplace(value.text()).second) value.duplicate();
      }
      const Field key = one["key"];
      key.each(api::check_qualified_name(key.text()));
      if (!keys.emplace(key.text()).second) key.duplicate();
      asked[std::string(key.text())] = std::move(seen);
    }
    // Told once for each that came before, as far as there is room for complaints.
    const std::size_t before = known[std::move(asked)]++;
    for (std::size_t i = 0; i < before; ++i) {
      const std::size_t said = terms.causes().size();
      term["matchLabelExpressions"].duplicate_value("\"\"");
      if (terms.causes().size() == said) break;
    }
  }
}

void validate_storage_class(Change& change, const api::Value& object) {
  const Field storage = root(change, object);
  validate_provisioner(storage["provisioner"]);
  validate_storage_parameters(storage["parameters"]);
  storage["reclaimPolicy"].one_of({"Delete", "Retain"});
  const Field binding = storage["volumeBindingMode"];
  if (!binding.is_set()) binding.required();
  binding.one_of_if_set({"Immediate", "WaitForFirstConsumer"});
  validate_topologies(storage["allowedTopologies"]);
}

void keep_storage_class(Change& change, const api::Value& object, const api::Value& old) {
  const Field now = root(change, object);
  for (const char* key : {"parameters", "provisioner", "reclaimPolicy"}) {
    if (!now[key].same_as(old.find(key))) {
      now[key].forbidden("updates to " + std::string(key) + " are forbidden.");
    }
  }
  now["volumeBindingMode"].immutable(old.find("volumeBindingMode"));
}

void warn_about_storage_class(Change& change, const api::Value& object, const api::Value*) {
  for (const Field& term : root(change, object)["allowedTopologies"].items()) {
    for (const Field& one : term["matchLabelExpressions"].items()) {
      const Field key = one["key"];
      const std::string_view advice = node_label_advice(key.text());
      if (advice.empty()) continue;
      change.warn(key.path() + ": " + std::string(advice));
    }
  }
}

api::Value& begin_pending(Change& change, api::Value& object) {
  api::Value& status = object.ensure_object(change.arena, "status");
  status.set_ref(change.arena, "phase", api::Value::string_ref("Pending"));
  return status;
}

void copy_reference(Change& change, api::Value& spec, const char* from, const char* to) {
  const api::Value* source = spec.find(from);
  api::Value copy = api::Value::object();
  for (const char* key : {"apiGroup", "kind", "name"}) {
    if (const auto* value = source->find(key)) copy.set_ref(change.arena, key, *value);
  }
  spec.set_ref(change.arena, to, copy);
}

// `dataSource` and the newer `dataSourceRef` say the same. The older one has always been without
// what it cannot name; the newer one names nothing in other namespaces.
void settle_data_sources(Change& change, api::Value& object, const api::Value* old) {
  api::Value* spec = object.find("spec");
  if (spec == nullptr || !spec->is_object()) return;
  const Field now = root(change, object)["spec"];
  const auto* before = old == nullptr ? nullptr : old->find("spec");
  const auto had = [&](const char* key) {
    return before != nullptr && before->find(key) != nullptr && !before->find(key)->is_null();
  };
  if (!now["dataSourceRef"]["namespace"].empty() && !had("dataSourceRef")) {
    spec->erase("dataSourceRef");
  }
  const Field source = root(change, object)["spec"]["dataSource"];
  const bool is_known =
      source["apiGroup"].empty()
          ? source["kind"].is("PersistentVolumeClaim")
          : source["apiGroup"].is("snapshot.storage.k8s.io") && source["kind"].is("VolumeSnapshot");
  const auto has = [&](const char* key) { return root(change, object)["spec"][key].is_set(); };
  const bool is_old = had("dataSource") || had("dataSourceRef");
  if (!is_old && !has("dataSourceRef") && !is_known) spec->erase("dataSource");
  if (has("dataSource") && !has("dataSourceRef")) {
    copy_reference(change, *spec, "dataSource", "dataSourceRef");
  } else if (has("dataSourceRef") && !has("dataSource") &&
             root(change, object)["spec"]["dataSourceRef"]["namespace"].empty()) {
    copy_reference(change, *spec, "dataSourceRef", "dataSource");
  }
}

Result<void> begin_claim(Change& change, api::Value& object) {
  begin_pending(change, object);
  settle_data_sources(change, object, nullptr);
  return {};
}

Result<void> prepare_claim_update(Change& change, api::Value& object, const api::Value& old) {
  if (change.subresource.empty()) settle_data_sources(change, object, &old);
  return {};
}

Result<void> begin_volume(Change& change, api::Value& object) {
  begin_pending(change, object)
      .set_ref(change.arena, "lastPhaseTransitionTime", change.text(rfc3339(change.backend.now())));
  return {};
}

// A phase begins now, unless who reports it says otherwise.
Result<void> prepare_volume_update(Change& change, api::Value& object, const api::Value& old) {
  constexpr const char* kSince = "lastPhaseTransitionTime";
  if (change.subresource != "status") return {};
  const Field status = root(change, object)["status"];
  const Field before = root(change, old)["status"];
  const bool same_phase = status["phase"].same_as(before["phase"].value());
  api::Value& now = object.ensure_object(change.arena, "status");
  if (same_phase && !status[kSince].is_set()) {
    if (before[kSince].is_set()) now.set_ref(change.arena, kSince, *before[kSince].value());
  } else if (!same_phase &&
             (!status[kSince].is_set() || status[kSince].same_as(before[kSince].value()))) {
    now.set_ref(change.arena, kSince, change.text(rfc3339(change.backend.now())));
  }
  return {};
}

}  // namespace

void validate_provisioner(const Field& name) {
  if (!name.require()) return;
  const std::string lower = to_lower(name.text());
  for (const auto& wrong : api::check_qualified_name(lower)) {
    name.invalid_value(quoted(lower), wrong);
  }
}

void validate_storage_parameters(const Field& parameters) {
  constexpr std::size_t kMaxParameters = 512, kMaxBytes = 256 << 10;
  if (parameters.size() > kMaxParameters) return parameters.too_long(kMaxParameters);
  std::size_t bytes = 0;
  for (const auto& [key, value] : parameters.entries()) {
    if (key.empty()) parameters.invalid_value("\"\"", "field can not be empty.");
    bytes += key.size() + value.text().size();
  }
  if (bytes > kMaxBytes) parameters.too_long(kMaxBytes);
}

void validate_claim_spec(const Field& spec) {
  validate_access_modes(spec["accessModes"], "at least 1 access mode is required");
  validate_label_selector(spec["selector"]);
  const Field storage =
      spec["resources"]["requests"].at_key("storage").as(spec["resources[storage]"]);
  if (!storage.is_set())
    storage.required();
  else
    validate_positive(storage);
  validate_class_name(spec["storageClassName"]);
  spec["volumeMode"].one_of_if_set({"Block", "Filesystem"});
  validate_data_sources(spec);
  validate_class_name(spec["volumeAttributesClassName"]);
}

const Strategy kPersistentVolumeClaimStrategy{
    .storage_resource = "persistentvolumeclaims",
    .returns_deleted = true,
    .prepare_create = begin_claim,
    .prepare_update = prepare_claim_update,
    .validate = validate_claim,
    .validate_update = keep_claim,
    .validate_status = validate_claim_status,
    .warn = warn_about_claim,
};
const Strategy kPersistentVolumeStrategy{
    .storage_resource = "persistentvolumes",
    .returns_deleted = true,
    .prepare_create = begin_volume,
    .prepare_update = prepare_volume_update,
    .validate = validate_volume,
    .validate_update = keep_volume,
    .warn = warn_about_volume,
};
const Strategy kStorageClassStrategy{
    .storage_resource = "storage.k8s.io/storageclasses",
    .returns_deleted = true,
    .validate = validate_storage_class,
    .validate_update = keep_storage_class,
    .warn = warn_about_storage_class,
};

}  // namespace pinnace::apiserver
