#include "api/conversion.h"

#include <ranges>
#include <string>

#include "api/conversion_rules.h"
#include "api/object_codec.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr FieldMove kIngress[] = {{"spec", "backend", "defaultBackend"}};

constexpr FieldMove kEvent[] = {
    {"", "regarding", "involvedObject"},
    {"", "note", "message"},
    {"", "deprecatedSource", "source"},
    {"", "deprecatedFirstTimestamp", "firstTimestamp"},
    {"", "deprecatedLastTimestamp", "lastTimestamp"},
    {"", "deprecatedCount", "count"},
    {"", "reportingController", "reportingComponent"},
};

constexpr FieldMove kConcurrencyShares[] = {
    {"spec.limited", "assuredConcurrencyShares", "nominalConcurrencyShares"}};

constexpr FieldMove kRuntimeClass[] = {
    {"", "spec.runtimeHandler", "handler"},
    {"", "spec.overhead", "overhead"},
    {"", "spec.scheduling", "scheduling"},
};

constexpr FieldMove kEndpointSlice[] = {{"endpoints[]", "topology", "deprecatedTopology"}};

// v1 says the same in its annotations.
constexpr FieldMove kMetrics[] = {
    {"spec.metrics[].object", "target", "describedObject"},
    {"spec.metrics[].object", "metricName", "metric.name"},
    {"spec.metrics[].object", "selector", "metric.selector"},
    {"spec.metrics[].object", "targetValue", "target.value"},
    {"spec.metrics[].object", "averageValue", "target.averageValue"},
    {"spec.metrics[].pods", "metricName", "metric.name"},
    {"spec.metrics[].pods", "selector", "metric.selector"},
    {"spec.metrics[].pods", "targetAverageValue", "target.averageValue"},
    {"spec.metrics[].resource", "targetAverageUtilization", "target.averageUtilization"},
    {"spec.metrics[].resource", "targetAverageValue", "target.averageValue"},
    {"spec.metrics[].containerResource", "targetAverageUtilization", "target.averageUtilization"},
    {"spec.metrics[].containerResource", "targetAverageValue", "target.averageValue"},
    {"spec.metrics[].external", "metricName", "metric.name"},
    {"spec.metrics[].external", "metricSelector", "metric.selector"},
    {"spec.metrics[].external", "targetValue", "target.value"},
    {"spec.metrics[].external", "targetAverageValue", "target.averageValue"},
    {"status.currentMetrics[].object", "target", "describedObject"},
    {"status.currentMetrics[].object", "metricName", "metric.name"},
    {"status.currentMetrics[].object", "selector", "metric.selector"},
    {"status.currentMetrics[].object", "currentValue", "current.value"},
    {"status.currentMetrics[].object", "averageValue", "current.averageValue"},
    {"status.currentMetrics[].pods", "metricName", "metric.name"},
    {"status.currentMetrics[].pods", "selector", "metric.selector"},
    {"status.currentMetrics[].pods", "currentAverageValue", "current.averageValue"},
    {"status.currentMetrics[].resource", "currentAverageUtilization", "current.averageUtilization"},
    {"status.currentMetrics[].resource", "currentAverageValue", "current.averageValue"},
    {"status.currentMetrics[].containerResource", "currentAverageUtilization",
     "current.averageUtilization"},
    {"status.currentMetrics[].containerResource", "currentAverageValue", "current.averageValue"},
    {"status.currentMetrics[].external", "metricName", "metric.name"},
    {"status.currentMetrics[].external", "metricSelector", "metric.selector"},
    {"status.currentMetrics[].external", "currentValue", "current.value"},
    {"status.currentMetrics[].external", "currentAverageValue", "current.averageValue"},
};

constexpr FieldMove kDefinition[] = {
    {"spec.additionalPrinterColumns[]", "JSONPath", "jsonPath"},
    {"spec.versions[].additionalPrinterColumns[]", "JSONPath", "jsonPath"},
    {"spec.conversion", "webhookClientConfig", "webhook.clientConfig"},
    {"spec.conversion", "conversionReviewVersions", "webhook.conversionReviewVersions"},
};

constexpr FieldMove kDeviceRequests[] = {
    {"spec.devices.requests[]", "deviceClassName", "exactly.deviceClassName"},
    {"spec.devices.requests[]", "selectors", "exactly.selectors"},
    {"spec.devices.requests[]", "allocationMode", "exactly.allocationMode"},
    {"spec.devices.requests[]", "count", "exactly.count"},
    {"spec.devices.requests[]", "adminAccess", "exactly.adminAccess"},
    {"spec.devices.requests[]", "tolerations", "exactly.tolerations"},
    {"spec.devices.requests[]", "capacity", "exactly.capacity"},
};
constexpr FieldMove kTemplateDeviceRequests[] = {
    {"spec.spec.devices.requests[]", "deviceClassName", "exactly.deviceClassName"},
    {"spec.spec.devices.requests[]", "selectors", "exactly.selectors"},
    {"spec.spec.devices.requests[]", "allocationMode", "exactly.allocationMode"},
    {"spec.spec.devices.requests[]", "count", "exactly.count"},
    {"spec.spec.devices.requests[]", "adminAccess", "exactly.adminAccess"},
    {"spec.spec.devices.requests[]", "tolerations", "exactly.tolerations"},
    {"spec.spec.devices.requests[]", "capacity", "exactly.capacity"},
};
constexpr FieldMove kBasicDevices[] = {
    {"spec.devices[]", "basic.attributes", "attributes"},
    {"spec.devices[]", "basic.capacity", "capacity"},
    {"spec.devices[]", "basic.consumesCounters", "consumesCounters"},
    {"spec.devices[]", "basic.nodeName", "nodeName"},
    {"spec.devices[]", "basic.nodeSelector", "nodeSelector"},
    {"spec.devices[]", "basic.allNodes", "allNodes"},
    {"spec.devices[]", "basic.taints", "taints"},
    {"spec.devices[]", "basic.bindsToNode", "bindsToNode"},
    {"spec.devices[]", "basic.bindingConditions", "bindingConditions"},
    {"spec.devices[]", "basic.bindingFailureConditions", "bindingFailureConditions"},
    {"spec.devices[]", "basic.allowMultipleAllocations", "allowMultipleAllocations"},
};

constexpr ConversionStep kIngressSteps[] = {{kIngress, ingress_to_stored, ingress_from_stored}};
constexpr ConversionStep kEventSteps[] = {{kEvent}};
constexpr ConversionStep kShareSteps[] = {{kConcurrencyShares}};
constexpr ConversionStep kRuntimeClassSteps[] = {{kRuntimeClass}};
constexpr ConversionStep kEndpointSliceSteps[] = {
    {kEndpointSlice, endpoint_slice_to_stored, endpoint_slice_from_stored}};
constexpr ConversionStep kSubjectSteps[] = {{{}, subjects_to_stored, subjects_from_stored}};
constexpr ConversionStep kDeploymentSteps[] = {{{}, deployment_to_stored, deployment_from_stored}};
constexpr ConversionStep kDaemonSetSteps[] = {{{}, daemon_set_to_stored, daemon_set_from_stored}};
constexpr ConversionStep kBudgetSteps[] = {
    {{}, disruption_budget_to_stored, disruption_budget_from_stored}};
constexpr ConversionStep kDefinitionSteps[] = {{kDefinition, crd_to_stored, crd_from_stored}};
constexpr ConversionStep kAutoscalerBeta1Steps[] = {
    {{}, autoscaler_behavior_to_stored, autoscaler_behavior_from_stored},
    {kMetrics, metric_targets_to_stored},
};
constexpr ConversionStep kAutoscalerV1Steps[] = {
    {{}, autoscaler_behavior_to_stored, autoscaler_behavior_from_stored},
    {{}, autoscaler_v1_lists_to_stored, autoscaler_v1_lists_from_stored},
    {kMetrics, metric_targets_to_stored},
    {{}, autoscaler_v1_cpu_to_stored, autoscaler_v1_cpu_from_stored},
};
constexpr ConversionStep kDeviceRequestSteps[] = {{kDeviceRequests}};
constexpr ConversionStep kTemplateDeviceRequestSteps[] = {{kTemplateDeviceRequests}};
constexpr ConversionStep kBasicDeviceSteps[] = {{kBasicDevices}};

struct ConversionRule {
  std::string_view group, version, resource;
  std::span<const ConversionStep> steps;
};

constexpr std::string_view kFlowControl = "flowcontrol.apiserver.k8s.io";
constexpr std::string_view kRbac = "rbac.authorization.k8s.io";

// Versions that are not here have the fields of the stored one.
constexpr ConversionRule kRules[] = {
    {"apiextensions.k8s.io", "v1beta1", "customresourcedefinitions", kDefinitionSteps},
    {"apps", "v1beta1", "deployments", kDeploymentSteps},
    {"autoscaling", "v1", "horizontalpodautoscalers", kAutoscalerV1Steps},
    {"autoscaling", "v2beta1", "horizontalpodautoscalers", kAutoscalerBeta1Steps},
    {"discovery.k8s.io", "v1alpha1", "endpointslices", kEndpointSliceSteps},
    {"discovery.k8s.io", "v1beta1", "endpointslices", kEndpointSliceSteps},
    {"events.k8s.io", "v1", "events", kEventSteps},
    {"events.k8s.io", "v1beta1", "events", kEventSteps},
    {"extensions", "v1beta1", "daemonsets", kDaemonSetSteps},
    {"extensions", "v1beta1", "deployments", kDeploymentSteps},
    {"extensions", "v1beta1", "ingresses", kIngressSteps},
    {kFlowControl, "v1alpha1", "prioritylevelconfigurations", kShareSteps},
    {kFlowControl, "v1beta1", "prioritylevelconfigurations", kShareSteps},
    {kFlowControl, "v1beta2", "prioritylevelconfigurations", kShareSteps},
    {"networking.k8s.io", "v1beta1", "ingresses", kIngressSteps},
    {"node.k8s.io", "v1alpha1", "runtimeclasses", kRuntimeClassSteps},
    {"policy", "v1beta1", "poddisruptionbudgets", kBudgetSteps},
    {kRbac, "v1alpha1", "clusterrolebindings", kSubjectSteps},
    {kRbac, "v1alpha1", "rolebindings", kSubjectSteps},
    {"resource.k8s.io", "v1alpha3", "resourceclaims", kDeviceRequestSteps},
    {"resource.k8s.io", "v1alpha3", "resourceclaimtemplates", kTemplateDeviceRequestSteps},
    {"resource.k8s.io", "v1beta1", "resourceclaims", kDeviceRequestSteps},
    {"resource.k8s.io", "v1beta1", "resourceclaimtemplates", kTemplateDeviceRequestSteps},
    {"resource.k8s.io", "v1beta1", "resourceslices", kBasicDeviceSteps},
};

std::span<const ConversionStep> steps_of(const ResourceInfo& resource) {
  for (const ConversionRule& rule : kRules) {
    if (rule.resource == resource.name && rule.version == resource.version &&
        rule.group == resource.group) {
      return rule.steps;
    }
  }
  return {};
}

// The member that a path of plain names leads to, taken out of its object; null when not there.
Value take(Value& object, std::string_view path) {
  const auto dot = path.find('.');
  const std::string_view name = path.substr(0, dot);
  Value* found = object.find(name);
  if (found == nullptr) return Value::null();
  if (dot != std::string_view::npos) return take(*found, path.substr(dot + 1));
  const Value value = *found;
  object.erase(name);
  return value;
}

// `path` must outlive the arena: its parts become keys.
void put(Arena& arena, Value& object, std::string_view path, Value value) {
  const auto dot = path.find('.');
  const std::string_view name = path.substr(0, dot);
  if (dot == std::string_view::npos) {
    object.set_ref(arena, name, value);
    return;
  }
  put(arena, object.ensure_object(arena, name), path.substr(dot + 1), value);
}

// What Go leaves out of JSON is not worth an object around it in the other version.
bool is_worth_moving(const Value& value) {
  return !value.is_null() && !(value.is_string() && value.as_string().empty());
}

void move_field(Arena& arena, Value& object, std::string_view under, std::string_view from,
                std::string_view to) {
  visit_path(object, under, [&](Value& owner) {
    const Value value = take(owner, from);
    if (is_worth_moving(value)) put(arena, owner, to, value);
  });
}

Result<void> run_to_stored(Arena& arena, Value& object, std::span<const ConversionStep> steps) {
  for (const ConversionStep& step : steps) {
    move_to_stored(arena, object, step.moves);
    if (step.to_stored == nullptr) continue;
    if (auto ok = step.to_stored(arena, object); !ok) return ok;
  }
  return {};
}

Result<void> run_from_stored(Arena& arena, Value& object, std::span<const ConversionStep> steps) {
  for (const ConversionStep& step : std::views::reverse(steps)) {
    if (step.from_stored != nullptr) {
      if (auto ok = step.from_stored(arena, object); !ok) return ok;
    }
    move_from_stored(arena, object, step.moves);
  }
  return {};
}

}  // namespace

void move_to_stored(Arena& arena, Value& object, std::span<const FieldMove> moves) {
  for (const FieldMove& move : moves) {
    move_field(arena, object, move.under, move.other, move.stored);
  }
}

void move_from_stored(Arena& arena, Value& object, std::span<const FieldMove> moves) {
  for (const FieldMove& move : std::views::reverse(moves)) {
    move_field(arena, object, move.under, move.stored, move.other);
  }
}

const Value* find_annotation(const Value& object, std::string_view name) {
  const Value* found = object.find_path({"metadata", "annotations", name});
  return found != nullptr && found->is_string() ? found : nullptr;
}

void set_annotation(Arena& arena, Value& object, std::string_view name, std::string_view text) {
  Value& metadata = object.ensure_object(arena, "metadata");
  metadata.ensure_object(arena, "annotations").set(arena, name, Value::string(arena, text));
}

void erase_annotation(Value& object, std::string_view name) {
  Value* annotations = object.find_path({"metadata", "annotations"});
  if (annotations != nullptr) annotations->erase(name);
}

Result<void> convert_version(Arena& arena, Value& object, const ResourceInfo& from,
                             const ResourceInfo& to) {
  if (&from == &to) return {};
  // The steps change objects in place, and the caller's tree may share its parts with others.
  object = copy_nodes(arena, object);
  if (auto ok = run_to_stored(arena, object, steps_of(from)); !ok) return ok;
  if (auto ok = run_from_stored(arena, object, steps_of(to)); !ok) return ok;
  std::string version(to.group);
  if (!version.empty()) version += '/';
  version += to.version;
  object.set_ref(arena, "apiVersion", Value::string(arena, version));
  return normalise(arena, object, *to.type);
}

}  // namespace pinnace::api
