// Namespaces, Nodes, Leases, Events: what a cluster is made of.
#include <algorithm>
#include <set>

#include "api/addresses.h"
#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/internal_form.h"
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
    const Field place = change.subresource == "finalize" ? item : item.as("spec.finalizers");
    place.each(api::check_qualified_name(item.text()));
    if (item.text().find('/') == std::string_view::npos &&
        !item.is_among({"kubernetes", "orphan", "foregroundDeletion"})) {
      place.invalid("name is neither a standard finalizer name nor is it fully qualified");
    }
  }
}

// -- Node

void validate_taints(const Field& taints) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const Field& taint : taints.items()) {
    const Field key = taint["key"];
    const Field value = taint["value"];
    const Field effect = taint["effect"];
    key.each(api::check_qualified_name(key.text()));
    const auto complaints = api::check_label_value(value.text());
    if (!complaints.empty()) value.invalid(api::join_complaints(complaints));
    if (effect.require()) effect.one_of({"NoSchedule", "PreferNoSchedule", "NoExecute"});
    if (!seen.emplace(key.text(), effect.text()).second) {
      taint.duplicate_value(internal_form(taint, "", "Taint") +
                            ": taints must be unique by key and effect pair");
    }
  }
}

void validate_node_amounts(const Field& status) {
  for (const char* map : {"capacity", "allocatable"}) {
    for (const auto& [name, amount] : status[map].entries()) {
      validate_resource_amount(amount.as(status[map].path() + "." + std::string(name)), name);
    }
  }
}

void validate_pod_ranges(const Field& ranges) {
  std::set<int> families;
  for (const Field& range : ranges.items()) {
    range.each(api::check_cidr(range.text()));
    if (const auto parsed = api::parse_range(range.text())) {
      families.insert(parsed->address.family);
    }
  }
  if (ranges.size() < 2) return;
  std::size_t index = 0;
  for (const Field& range : ranges.items()) {
    const std::string place = std::to_string(index++);
    if (api::parse_range(range.text())) continue;
    ranges.causes().push_back(
        {"InternalError",
         "Internal error: invalid PodCIDRs. failed to check with dual stack with error:invalid "
         "CIDR[" + place + "]: <nil> (invalid CIDR address: " + std::string(range.text()) + ")",
         ranges.path()});
    families.clear();
    break;
  }
  if (families.size() < 2 || ranges.size() > 2) {
    ranges.invalid("may specify no more than one CIDR for each IP family");
  }
}

void validate_config_map_source(const Field& map, bool in_status) {
  for (const char* key : {"uid", "resourceVersion"}) {
    if (in_status)
      map[key].require();
    else if (!map[key].empty())
      map[key].forbidden(std::string(key) + " must not be set in spec");
  }
  const Field ns = map["namespace"];
  const Field name = map["name"];
  const Field file = map["kubeletConfigKey"];
  if (ns.require()) ns.each(api::check_dns1123_label(ns.text()));
  if (name.require()) name.each(api::check_dns1123_subdomain(name.text()));
  if (file.require()) file.each(api::check_config_map_key(file.text()));
}

// Where a node's configuration comes from, as nodes of old were told.
void validate_config_source(const Field& source, bool in_status) {
  if (!source.is_set()) return;
  if (source["configMap"].is_set())
    return validate_config_map_source(source["configMap"], in_status);
  source.invalid_value("{\"ConfigMap\":null}", "exactly one reference subfield must be non-nil");
}

// What an annotation of old tells the scheduler not to put on a node: the pods of controllers.
void validate_avoided_pods(Change& change, const Field& node) {
  constexpr std::string_view kAnnotation = "scheduler.alpha.kubernetes.io/preferAvoidPods";
  const Field annotations = node["metadata"]["annotations"];
  const std::string_view text = annotations.at_key(kAnnotation).text();
  if (text.empty()) return;
  const auto parsed = api::parse_json(change.arena, text);
  if (!parsed) {
    return annotations["AvoidPods"].invalid_value(quoted(kAnnotation),
                                                  api::without_place(parsed.error().message));
  }
  const Field entries = annotations[kAnnotation].with(parsed->find("preferAvoidPods"));
  for (const Field& entry : entries.items()) {
    const Field signature = entry["PodSignature"].with(entry["podSignature"].value());
    const Field controller = signature["PodController"].with(signature["podController"].value());
    if (!controller.is_set()) {
      signature.required();
    } else if (!controller["controller"].flag()) {
      controller["Controller"].invalid_value("false", "must point to a controller");
    }
  }
}

// Kubernetes' messages have always said that taints stand in the metadata.
Field taints_of(const Field& node) { return node["spec"]["taints"].as("metadata.taints"); }

void validate_node(Change& change, const api::Value& object) {
  const Field node = root(change, object);
  validate_avoided_pods(change, node);
  validate_taints(taints_of(node));
  validate_node_amounts(node["status"]);
  const Field swap = node["status"]["nodeInfo"]["swap"]["capacity"];
  if (swap.is_set() && swap.number() <= 0) {
    swap.as("metadata.nodeSwapStatus.capacity").invalid("must be greater than zero");
  }
  validate_pod_ranges(node["spec"]["podCIDRs"]);
}

// What a node once was told stays.
void keep_node(Change& change, const api::Value& object, const api::Value& old) {
  const Field node = root(change, object);
  const Field spec = node["spec"];
  const Field status = node["status"];
  std::vector<Cause> none;
  const Field before = Field(none, change.arena, &old)["spec"];
  validate_avoided_pods(change, node);
  validate_node_amounts(status);
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const Field& address : status["addresses"].items()) {
    const Field type = address["type"];
    const Field value = address["address"];
    if (seen.emplace(type.text(), value.text()).second) continue;
    address.duplicate_value(internal_form(address, "", "NodeAddress"));
  }
  constexpr const char* kRangesStay =
      "node updates may not change podCIDR except from \"\" to valid";
  const Field ranges = spec["podCIDRs"];
  const Field old_ranges = before["podCIDRs"];
  if (!old_ranges.empty() && ranges.size() != old_ranges.size()) {
    ranges.forbidden(kRangesStay);
  } else {
    for (std::size_t i = 0; i < old_ranges.size(); ++i) {
      if (!ranges.at(i).is(old_ranges.at(i).text())) ranges.forbidden(kRangesStay);
    }
  }
  const Field provider = spec["providerID"];
  if (!before["providerID"].empty() && !provider.is(before["providerID"].text())) {
    provider.forbidden("node updates may not change providerID except from \"\" to valid");
  }
  validate_config_source(spec["configSource"], false);
  for (const char* which : {"assigned", "active", "lastKnownGood"}) {
    validate_config_source(status["config"][which], true);
  }
  validate_taints(taints_of(node));
  const Field external = spec["externalID"];
  if (!external.is(before["externalID"].text())) external.forbidden("may not be updated");
}

void warn_about_node(Change& change, const api::Value& object, const api::Value*) {
  const Field node = root(change, object);
  const Field spec = node["spec"];
  for (const Field& range : spec["podCIDRs"].items()) {
    for (auto& text : api::range_warnings(range.path(), range.text())) change.warn(std::move(text));
  }
  if (spec["configSource"].is_set()) {
    change.warn("spec.configSource: the feature is removed in v1.24");
  }
  if (!spec["externalID"].empty()) {
    change.warn("spec.externalID: this field is deprecated, and is unused by Kubernetes");
  }
}

// -- Lease

void validate_lease(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field duration = spec["leaseDurationSeconds"];
  const Field strategy = spec["strategy"];
  const Field preferred = spec["preferredHolder"];
  if (duration.is_set() && duration.number() <= 0) duration.invalid("must be greater than 0");
  spec["leaseTransitions"].at_least(0);
  // Kubernetes' messages have always said it twice.
  const Field place = strategy.as(strategy["strategy"]);
  if (strategy.text().find('/') != std::string_view::npos) {
    place.each(api::check_qualified_name(strategy.text()));
  } else if (strategy.is_set() && !strategy.is("OldestEmulationVersion")) {
    place.not_supported({"OldestEmulationVersion"});
  }
  if (!preferred.empty() && strategy.empty()) {
    preferred.forbidden("may only be specified if `strategy` is defined");
  }
}

// -- Event

// Of an event that says when it was: who saw it, and what was done.
void validate_report(const Field& event, const Field& reporter) {
  constexpr std::size_t kMaxBytes = 128, kMaxNoteBytes = 1024;
  reporter.require();
  reporter.each(api::check_qualified_name(reporter.text()));
  for (const char* member : {"reportingInstance", "action", "reason"}) {
    const Field text = event[member];
    text.require();
    if (text.text().size() > kMaxBytes) {
      text.invalid_value("\"\"", "can have at most 128 characters");
    }
  }
  const Field note = event["message"];
  if (note.text().size() > kMaxNoteBytes) {
    note.invalid_value("\"\"", "can have at most 1024 characters");
  }
}

void validate_series(const Field& series) {
  if (!series.is_set()) return;
  if (series["count"].number() < 2) {
    series["count"].invalid_value("\"\"", "should be at least 2");
  }
  series["lastObservedTime"].require();
}

// Where the client's version asks for more than an old one did.
void validate_new_event(const Field& event) {
  const Field name = event["metadata"]["name"];
  name.each(api::check_dns1123_subdomain(name.text()));
  validate_series(event["series"]);
  if (!event["eventTime"].is_set()) event["eventTime"].required();
  const Field type = event["type"];
  if (!type.is_among({"Normal", "Warning"})) {
    type.invalid_value("\"\"", "has invalid value: " + std::string(type.text()));
  }
  for (const char* old : {"firstTimestamp", "lastTimestamp", "count"}) {
    if (!event[old].empty()) event[old].invalid_value("\"\"", "needs to be unset");
  }
  const Field source = event["source"];
  if (!source["component"].empty() || !source["host"].empty()) {
    source.invalid_value("\"\"", "needs to be unset");
  }
}

bool is_new_version(const Change& change) {
  return change.call.resource->group == "events.k8s.io" && change.call.resource->version == "v1";
}

void validate_event(Change& change, const api::Value& object) {
  const Field event = root(change, object);
  const Field ns = event["metadata"]["namespace"];
  const Field about = event["involvedObject"]["namespace"];
  const bool has_time = event["eventTime"].is_set();
  bool agrees = about.empty() ? ns.is("default") : ns.is(about.text());
  if (has_time) agrees = !about.empty() || ns.is_among({"default", "kube-system"});
  if (!agrees) {
    about.invalid_value(quoted(about.text()), "does not match event.namespace");
  }
  if (has_time) {
    const Field reporter = event["reportingComponent"];
    const bool is_core = change.call.resource->group.empty();
    validate_report(event, is_core ? reporter : reporter.as(event["reportingController"]));
  }
  if (change.old != nullptr) return;
  if (is_new_version(change)) return validate_new_event(event);
  // Older versions ask for the namespace alone, and for the rest where nothing else is wrong.
  ns.as("namespace").each(api::check_dns1123_subdomain(ns.text()));
  const auto is_of_metadata = [](const Cause& cause) {
    return cause.field.starts_with("metadata.");
  };
  if (!std::ranges::all_of(change.causes, is_of_metadata)) {
    std::erase_if(change.causes, is_of_metadata);
  }
}

struct KeptMember {
  const char* member;
  const char* shown;
  std::string_view type;  // Of a struct.
};
// Kubernetes looks at the reason twice.
constexpr KeptMember kKeptOfEvents[] = {
    {"involvedObject", "involvedObject", "ObjectReference"},
    {"reason", "reason", ""},
    {"message", "message", ""},
    {"source", "source", "EventSource"},
    {"firstTimestamp", "firstTimestamp", ""},
    {"lastTimestamp", "lastTimestamp", ""},
    {"count", "count", ""},
    {"reason", "reason", ""},
    {"type", "type", ""},
    {"eventTime", "eventTime", ""},
    {"action", "action", ""},
    {"related", "related", "ObjectReference"},
    {"reportingComponent", "reportingController", ""},
    {"reportingInstance", "reportingInstance", ""},
};

void keep_event(Change& change, const api::Value& object, const api::Value& old) {
  if (!is_new_version(change)) return;
  const Field event = root(change, object);
  if (!event["series"].same_as(old.find("series"))) validate_series(event["series"]);
  for (const KeptMember& one : kKeptOfEvents) {
    const Field member = event[one.member];
    if (member.same_as(old.find(one.member))) continue;
    member.as(event[one.shown])
        .invalid_value(one.type.empty() ? member.shown() : internal_form(member, "", one.type),
                       "field is immutable");
  }
}

// -- Namespace's status

void validate_namespace_status(Change& change, const api::Value& object, const api::Value&) {
  const Field phase = root(change, object)["status"]["phase"].as("status.Phase");
  const bool is_ending = is_being_deleted(object);
  if (!is_ending && !phase.is("Active")) {
    phase.invalid("may only be 'Active' if `deletionTimestamp` is empty");
  } else if (is_ending && !phase.is("Terminating")) {
    phase.invalid("may only be 'Terminating' if `deletionTimestamp` is not empty");
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
    .validate_status = validate_namespace_status,
};
const Strategy kNodeStrategy{
    .storage_resource = "nodes",
    .keeps_status = true,
    .validate = validate_node,
    .validate_update = keep_node,
    .validate_status = keep_node,
    .warn = warn_about_node,
};
const Strategy kLeaseStrategy{
    .storage_resource = "coordination.k8s.io/leases",
    .create_on_update = true,
    .durable = false,
    .must_name_revision = true,
    .validate = validate_lease,
};
const Strategy kEventStrategy{
    .storage_resource = "events",
    .check_name = api::check_path_segment_name,
    .create_on_update = true,
    .durable = false,
    .validate = validate_event,
    .validate_update = keep_event,
};

}  // namespace pinnace::apiserver
