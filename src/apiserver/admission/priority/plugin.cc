// Priority: the number of a pod's priority class, and no second class that is everybody's default.
#include "api/json.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

constexpr char kClasses[] = "scheduling.k8s.io/priorityclasses";

// The class that pods without one have, the least important of several; null when there is none.
api::Value default_class(Change& change) {
  api::Value chosen;
  const auto classes = change.backend.store().list(kClasses, "");
  if (!classes) return chosen;
  for (const auto& object : classes->objects) {
    if (!mentions(*object, "\"globalDefault\":true")) continue;
    const auto parsed = parse_stored(change.arena, *object);
    if (!parsed || !parsed->bool_at("globalDefault")) continue;
    if (chosen.is_null() || parsed->int_at("value") < chosen.int_at("value")) chosen = *parsed;
  }
  return chosen;
}

Result<api::Value> class_of(Change& change, api::Value& spec) {
  const std::string name(spec.string_at("priorityClassName"));
  if (name.empty()) {
    const api::Value chosen = default_class(change);
    if (!chosen.is_null()) {
      spec.set_ref(change.arena, "priorityClassName", change.text(meta_text(chosen, "name")));
    }
    return chosen;
  }
  const auto found = change.backend.store().get({kClasses, "", name});
  if (!found) return admission_refusal(change, "no PriorityClass with name " + name + " was found");
  return parse_stored(change.arena, **found);
}

Result<void> set_priority(AdmissionRequest& request) {
  Change& change = request.change;
  if (request.resource() != "pods") return {};
  api::Value& spec = request.object->ensure_object(change.arena, "spec");
  if (request.is(Operation::kUpdate)) {
    // What the pod has been given stays when a client leaves it out.
    const auto* before = request.old->find("spec");
    for (const char* key : {"priority", "preemptionPolicy"}) {
      const auto* value = before == nullptr ? nullptr : before->find(key);
      if (spec.find(key) == nullptr && value != nullptr) spec.set_ref(change.arena, key, *value);
    }
    return {};
  }
  const auto chosen = class_of(change, spec);
  if (!chosen) return std::unexpected(chosen.error());
  const std::int64_t value = chosen->is_null() ? 0 : chosen->int_at("value");
  const auto* own = spec.find("priority");
  if (own != nullptr && own->is_int() && own->as_int() != value) {
    return admission_refusal(
        change, "the integer value of priority (" + std::to_string(own->as_int()) +
                    ") must not be provided in pod spec; priority admission controller computed " +
                    std::to_string(value) + " from the given PriorityClass name");
  }
  std::string preemption(chosen->is_null() ? "" : chosen->string_at("preemptionPolicy"));
  if (preemption.empty()) preemption = "PreemptLowerPriority";
  const std::string_view asked = spec.string_at("preemptionPolicy");
  if (!asked.empty() && asked != preemption) {
    return admission_refusal(
        change, "the string value of PreemptionPolicy (" + std::string(asked) +
                    ") must not be provided in pod spec; priority admission controller computed " +
                    preemption + " from the given PriorityClass name");
  }
  spec.set_ref(change.arena, "priority", api::Value::integer(value));
  spec.set_ref(change.arena, "preemptionPolicy", change.text(preemption));
  return {};
}

Result<void> check_class(AdmissionRequest& request) {
  Change& change = request.change;
  if (request.resource() != kClasses || !request.object->bool_at("globalDefault")) return {};
  const api::Value other = default_class(change);
  if (other.is_null() || meta_text(other, "name") == change.name) return {};
  return admission_refusal(change, "PriorityClass " + std::string(meta_text(other, "name")) +
                                       " is already marked as default. Only one default can exist");
}

}  // namespace

constinit const AdmissionPlugin kPriority{.name = "Priority",
                                          .resources = "pods scheduling.k8s.io/priorityclasses",
                                          .subresources = "",
                                          .operations = kWrites,
                                          .mutate = set_priority,
                                          .validate = check_class};

}  // namespace pinnace::apiserver
