// HorizontalPodAutoscalers: v1 knows one metric, and keeps the others in annotations as lists in
// the form of v2beta1; neither knows scaling behavior.
#include <cctype>
#include <string>

#include "api/conversion_rules.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "api/schema.h"

namespace pinnace::api {
namespace {

constexpr std::string_view kBehavior = "autoscaling.alpha.kubernetes.io/behavior";

// What v1 has no field for, and where it keeps it.
struct AnnotatedList {
  std::string_view annotation, owner, list, type;
};
constexpr AnnotatedList kLists[] = {
    {"autoscaling.alpha.kubernetes.io/metrics", "spec", "metrics", "MetricSpec"},
    {"autoscaling.alpha.kubernetes.io/current-metrics", "status", "currentMetrics", "MetricStatus"},
    {"autoscaling.alpha.kubernetes.io/conditions", "status", "conditions",
     "HorizontalPodAutoscalerCondition"},
};

const TypeInfo& v1_type(std::string_view name) {
  return *builtin_schema().find_type("autoscaling", "v1", name);
}

const TypeInfo& behavior_type() {
  return *builtin_schema().find_type("autoscaling", "v2", "HorizontalPodAutoscalerBehavior");
}

std::string with_first_letter(std::string_view name, int (*change)(int)) {
  std::string key(name);
  if (!key.empty()) key[0] = static_cast<char>(change(static_cast<unsigned char>(key[0])));
  return key;
}

// Go writes the behavior by the names of its struct's fields, all of them, and reads them in any
// case.
Value as_go_struct(Arena& arena, const Value& value, const TypeInfo& type) {
  if (value.is_array()) {
    Value list = Value::array();
    for (const Value& item : value.items()) list.append(arena, as_go_struct(arena, item, type));
    return list;
  }
  if (!value.is_object()) return value;
  Value object = Value::object();
  for (const FieldInfo& field : type.fields) {
    const Value* found = value.find(field.name);
    const bool is_struct = found != nullptr && field.form == Form::kObject;
    object.set(arena, with_first_letter(field.name, std::toupper),
               is_struct          ? as_go_struct(arena, *found, *field.type)
               : found == nullptr ? Value::null()
                                  : *found);
  }
  return object;
}
Value with_small_letters(Arena& arena, const Value& value) {
  if (value.is_array()) {
    Value list = Value::array();
    for (const Value& item : value.items()) list.append(arena, with_small_letters(arena, item));
    return list;
  }
  if (!value.is_object()) return value;
  Value object = Value::object();
  for (const Member& member : value.members()) {
    object.set(arena, with_first_letter(member.key, std::tolower),
               with_small_letters(arena, member.value));
  }
  return object;
}

bool is_cpu_resource(const Value& metric) {
  const Value* resource = metric.find("resource");
  return metric.string_at("type") == "Resource" && resource != nullptr &&
         resource->string_at("name") == "cpu";
}

// {"type": "Resource", "resource": {"name": "cpu", ROLE: {...}}}
Value cpu_metric(Arena& arena, std::string_view role, Value utilization) {
  Value amount = Value::object();
  if (role == "target") amount.add_ref(arena, "type", Value::string_ref("Utilization"));
  amount.add_ref(arena, "averageUtilization", utilization);
  Value resource = Value::object();
  resource.add_ref(arena, "name", Value::string_ref("cpu"));
  resource.add_ref(arena, role, amount);
  Value metric = Value::object();
  metric.add_ref(arena, "type", Value::string_ref("Resource"));
  metric.add_ref(arena, "resource", resource);
  return metric;
}

Value& list_at(Arena& arena, Value& owner, std::string_view name) {
  Value* list = owner.find(name);
  if (list != nullptr && list->is_array()) return *list;
  return owner.set_ref(arena, name, Value::array());
}

// A list from an annotation that anybody may have written: one that is not in order counts as none.
Value read_list(Arena& arena, std::string_view text, const TypeInfo& type) {
  auto list = parse_json(arena, text);
  if (!list || !list->is_array()) return Value::array();
  for (Value& item : list->items()) {
    if (!normalise(arena, item, type)) return Value::array();
  }
  return *list;
}

void set_target_type(Arena& arena, Value& metric, std::string_view source) {
  Value* target = metric.find_path({source, "target"});
  if (target == nullptr || !target->is_object()) return;
  std::string_view type = "AverageValue";
  if (target->find("averageUtilization") != nullptr)
    type = "Utilization";
  else if (source == "object" ? target->find("averageValue") == nullptr
                              : target->find("value") != nullptr)
    type = "Value";
  target->set_ref(arena, "type", Value::string_ref(type));
}

}  // namespace

Result<void> autoscaler_behavior_to_stored(Arena& arena, Value& object) {
  const Value* annotation = find_annotation(object, kBehavior);
  if (annotation == nullptr) return {};
  auto behavior = parse_json(arena, annotation->as_string());
  erase_annotation(object, kBehavior);
  if (!behavior || !behavior->is_object()) return {};
  const TypeInfo& type = behavior_type();
  Value read = with_small_letters(arena, *behavior);
  if (!normalise(arena, read, type)) return {};
  object.ensure_object(arena, "spec").set_ref(arena, "behavior", read);
  return {};
}

Result<void> autoscaler_behavior_from_stored(Arena& arena, Value& object) {
  erase_annotation(object, kBehavior);
  const Value* behavior = object.find_path({"spec", "behavior"});
  if (behavior == nullptr || !behavior->is_object()) return {};
  set_annotation(arena, object, kBehavior,
                 to_json_text(as_go_struct(arena, *behavior, behavior_type())));
  return {};
}

Result<void> autoscaler_v1_lists_to_stored(Arena& arena, Value& object) {
  for (const AnnotatedList& kept : kLists) {
    const Value* annotation = find_annotation(object, kept.annotation);
    if (annotation == nullptr) continue;
    const Value list = read_list(arena, annotation->as_string(), v1_type(kept.type));
    erase_annotation(object, kept.annotation);
    if (!list.empty()) object.ensure_object(arena, kept.owner).set_ref(arena, kept.list, list);
  }
  return {};
}

Result<void> autoscaler_v1_lists_from_stored(Arena& arena, Value& object) {
  for (const AnnotatedList& kept : kLists) {
    erase_annotation(object, kept.annotation);
    Value* list = object.find_path({kept.owner, kept.list});
    if (list == nullptr || !list->is_array() || list->empty()) continue;
    for (Value& item : list->items()) {
      if (auto ok = normalise(arena, item, v1_type(kept.type)); !ok) return ok;
    }
    set_annotation(arena, object, kept.annotation, to_json_text(*list));
  }
  return {};
}

Result<void> autoscaler_v1_cpu_to_stored(Arena& arena, Value& object) {
  if (const Value* target = object.find_path({"spec", "targetCPUUtilizationPercentage"})) {
    const Value metric = cpu_metric(arena, "target", *target);
    list_at(arena, *object.find("spec"), "metrics").append(arena, metric);
  }
  // The annotation says more than this number.
  const Value* current = object.find_path({"status", "currentCPUUtilizationPercentage"});
  if (current == nullptr) return {};
  const Value metric = cpu_metric(arena, "current", *current);
  Value& list = list_at(arena, *object.find("status"), "currentMetrics");
  if (list.empty()) list.append(arena, metric);
  return {};
}

Result<void> autoscaler_v1_cpu_from_stored(Arena& arena, Value& object) {
  Value* spec = object.find("spec");
  if (Value* metrics = spec == nullptr ? nullptr : spec->find("metrics"); metrics != nullptr) {
    Value rest = Value::array();
    Value found;
    for (const Value& metric : metrics->is_array() ? metrics->items() : std::span<Value>{}) {
      const Value* target = metric.find_path({"resource", "target", "averageUtilization"});
      if (!is_cpu_resource(metric) || target == nullptr)
        rest.append(arena, metric);
      else if (found.is_null())
        found = *target;
    }
    *metrics = rest;
    if (!found.is_null()) spec->set_ref(arena, "targetCPUUtilizationPercentage", found);
  }
  Value* status = object.find("status");
  const Value* current = status == nullptr ? nullptr : status->find("currentMetrics");
  if (current == nullptr || !current->is_array()) return {};
  for (const Value& metric : current->items()) {
    const Value* used = metric.find_path({"resource", "current", "averageUtilization"});
    if (!is_cpu_resource(metric) || used == nullptr) continue;
    status->set_ref(arena, "currentCPUUtilizationPercentage", *used);
    break;
  }
  return {};
}

Result<void> metric_targets_to_stored(Arena& arena, Value& object) {
  visit_path(object, "spec.metrics[]", [&](Value& metric) {
    for (const std::string_view source :
         {"object", "pods", "resource", "containerResource", "external"}) {
      set_target_type(arena, metric, source);
    }
  });
  return {};
}

}  // namespace pinnace::api
