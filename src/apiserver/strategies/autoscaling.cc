// HorizontalPodAutoscalers and PodDisruptionBudgets.
#include <algorithm>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/internal_form.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// -- PodDisruptionBudget

void validate_budget(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field minimum = spec["minAvailable"];
  const Field maximum = spec["maxUnavailable"];
  if (minimum.is_set() && maximum.is_set()) {
    spec.invalid_value(internal_form(spec, "policy", "PodDisruptionBudgetSpec"),
                       "minAvailable and maxUnavailable cannot be both set");
  }
  for (const Field& count : {minimum, maximum}) {
    validate_int_or_percent(count);
    validate_not_above_all(count);
  }
  validate_label_selector(spec["selector"]);
  spec["unhealthyPodEvictionPolicy"].one_of_if_set({"AlwaysAllow", "IfHealthyBudget"});
}

void validate_budget_status(Change& change, const api::Value& object, const api::Value&) {
  const Field status = root(change, object)["status"];
  if (change.call.resource->version != "v1beta1") validate_conditions(status["conditions"]);
  for (const char* count :
       {"disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"}) {
    status[count].at_least(0);
  }
}

void warn_about_budget(Change& change, const api::Value& object, const api::Value*) {
  const Field selector = root(change, object)["spec"]["selector"];
  if (!selector.is_set() || !selector["matchLabels"].empty() ||
      !selector["matchExpressions"].empty()) {
    return;
  }
  if (change.call.resource->version != "v1beta1") return;
  change.warn(
      "spec.selector: an empty selector matches no pods in policy/v1beta1, but will match all pods "
      "in policy/v1");
}

// -- HorizontalPodAutoscaler

enum class ReferenceVersion { kAny, kWithGroup, kTaken };

// What is scaled is of a group; what was taken before stays.
ReferenceVersion version_of_target(const Field& target, const api::Value* old) {
  const auto* before = old == nullptr ? nullptr : old->find_path({"spec", "scaleTargetRef"});
  if (before != nullptr && target["apiVersion"].is(before->string_at("apiVersion")) &&
      target["kind"].is(before->string_at("kind"))) {
    return ReferenceVersion::kTaken;
  }
  return target["kind"].is("ReplicationController") ? ReferenceVersion::kAny
                                                    : ReferenceVersion::kWithGroup;
}

void validate_reference(const Field& reference, ReferenceVersion wanted) {
  for (const char* key : {"kind", "name"}) {
    const Field part = reference[key];
    if (part.require()) part.each(api::check_path_segment_name(part.text()));
  }
  const Field version = reference["apiVersion"];
  if (wanted == ReferenceVersion::kTaken) return;
  const std::size_t slashes = std::ranges::count(version.text(), '/');
  if (slashes > 1) {
    version.invalid_value(quoted(version.text()),
                          "unexpected GroupVersion string: " + std::string(version.text()));
  } else if (wanted == ReferenceVersion::kWithGroup &&
             (slashes == 0 || version.text().starts_with('/'))) {
    version.invalid_value(quoted(version.text()), "apiVersion must specify API group");
  }
}

void validate_positive(const Field& amount) {
  if (amount.amount() && amount.amount()->sign() <= 0) amount.invalid("must be positive");
}

void validate_target(const Field& target) {
  const Field type = target["type"];
  if (type.empty()) {
    type.required("must specify a metric target type");
  }
  if (!type.is_among({"Utilization", "Value", "AverageValue"})) {
    type.invalid_value(quoted(type.text()), "must be either Utilization, Value, or AverageValue");
  }
  validate_positive(target["value"]);
  validate_positive(target["averageValue"]);
  const Field utilization = target["averageUtilization"];
  if (utilization.is_set() && utilization.number() < 1) {
    utilization.invalid("must be greater than 0");
  }
}

void validate_identifier(const Field& metric) {
  const Field name = metric["name"];
  if (name.require("must specify a metric name")) {
    name.each(api::check_path_segment_name(name.text()));
  }
}

void require_value(const Field& target, std::string_view detail) {
  if (target["value"].is_set() || target["averageValue"].is_set()) return;
  target["averageValue"].required(detail);
}

void validate_object_metric(const Field& source) {
  validate_reference(source["describedObject"], ReferenceVersion::kAny);
  validate_identifier(source["metric"]);
  validate_target(source["target"]);
  require_value(source["target"], "must set either a target value or averageValue");
}

void validate_external_metric(const Field& source) {
  const Field target = source["target"];
  validate_identifier(source["metric"]);
  validate_target(target);
  require_value(target, "must set either a target value for metric or a per-pod target");
  if (target["value"].is_set() && target["averageValue"].is_set()) {
    target["value"].forbidden("may not set both a target value for metric and a per-pod target");
  }
}

void validate_pods_metric(const Field& source) {
  const Field average = source["target"]["averageValue"];
  validate_identifier(source["metric"]);
  validate_target(source["target"]);
  if (!average.is_set()) average.required("must specify a positive target averageValue");
}

void validate_resource_target(const Field& target) {
  validate_target(target);
  const bool has_utilization = target["averageUtilization"].is_set();
  const bool has_value = target["averageValue"].is_set();
  if (!has_utilization && !has_value) {
    target["averageUtilization"].required(
        "must set either a target raw value or a target utilization");
  } else if (has_utilization && has_value) {
    target["averageValue"].forbidden(
        "may not set both a target raw value and a target utilization");
  }
}

void validate_resource_metric(const Field& source) {
  source["name"].require("must specify a resource name");
  validate_resource_target(source["target"]);
}

void validate_container_metric(const Field& source) {
  const Field name = source["name"];
  const Field container = source["container"];
  if (name.require("must specify a resource name")) {
    validate_resource_name(name, name.text(), ResourceUse::kContainer);
  }
  if (container.require("must specify a container")) {
    container.each(api::check_dns1123_label(container.text()));
  }
  validate_resource_target(source["target"]);
}

struct MetricKind {
  std::string_view type;
  const char* member;
  void (*check)(const Field&);
};
constexpr MetricKind kMetrics[] = {
    {"Object", "object", validate_object_metric},
    {"External", "external", validate_external_metric},
    {"Pods", "pods", validate_pods_metric},
    {"Resource", "resource", validate_resource_metric},
    {"ContainerResource", "containerResource", validate_container_metric},
};

void validate_metric(const Field& metric) {
  const Field type = metric["type"];
  const bool is_known =
      type.is_among({"ContainerResource", "External", "Object", "Pods", "Resource"});
  const auto refuse_type = [&] {
    if (is_known) return;
    type.not_supported_value(quoted(type.text()),
                             {"ContainerResource", "External", "Object", "Pods", "Resource"});
  };
  type.require("must specify a metric source type");
  refuse_type();
  std::size_t count = 0;
  for (const MetricKind& kind : kMetrics) {
    const Field source = metric[kind.member];
    if (source.is_set() && ++count == 1) kind.check(source);
  }
  refuse_type();  // Kubernetes says it twice.
  for (const MetricKind& kind : kMetrics) {
    const Field source = metric[kind.member];
    if (type.is(kind.type) && !source.is_set()) {
      source.required("must populate information for the given metric source");
    }
    if (count > 1 && source.is_set() && !type.is(kind.type)) {
      source.forbidden("must populate the given metric source only");
    }
  }
}

void validate_scaling_policy(const Field& policy) {
  constexpr std::int64_t kMaxPeriodSeconds = 1800;
  if (!policy["type"].is_among({"Pods", "Percent"})) {
    policy["type"].not_supported_value(quoted(policy["type"].text()), {"Percent", "Pods"});
  }
  for (const char* key : {"value", "periodSeconds"}) {
    if (policy[key].number() <= 0) policy[key].invalid("must be greater than zero");
  }
  if (policy["periodSeconds"].number() > kMaxPeriodSeconds) {
    policy["periodSeconds"].invalid("must be less than or equal to 1800");
  }
}

void validate_scaling_rules(const Field& rules) {
  constexpr std::int64_t kMaxWindowSeconds = 3600;
  if (!rules.is_set()) return;
  const Field window = rules["stabilizationWindowSeconds"];
  if (window.number() < 0) window.invalid("must be greater than or equal to zero");
  if (window.number() > kMaxWindowSeconds) window.invalid("must be less than or equal to 3600");
  rules["selectPolicy"].one_of_if_set({"Disabled", "Max", "Min"});
  if (rules["policies"].empty()) rules["policies"].required("must specify at least one Policy");
  for (const Field& policy : rules["policies"].items()) validate_scaling_policy(policy);
  const Field tolerance = rules["tolerance"];
  if (tolerance.amount() && tolerance.amount()->sign() < 0) {
    tolerance.invalid("must be greater than or equal to 0");
  }
}

void validate_autoscaler(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field low = spec["minReplicas"];
  const Field high = spec["maxReplicas"];
  if (low.is_set() && low.number() < 1) low.invalid("must be greater than or equal to 1");
  if (high.number() < 1) high.invalid("must be greater than 0");
  if (low.is_set() && high.number() < low.number()) {
    high.invalid("must be greater than or equal to `minReplicas`");
  }
  const Field target = spec["scaleTargetRef"];
  validate_reference(target, version_of_target(target, change.old));
  bool may_be_zero = false;
  for (const Field& metric : spec["metrics"].items()) {
    validate_metric(metric);
    may_be_zero = may_be_zero || metric["type"].is_among({"Object", "External"});
  }
  if (low.is_set() && low.number() == 0 && !may_be_zero) {
    spec["metrics"].forbidden(
        "must specify at least one Object or External metric to support scaling to zero replicas");
  }
  validate_scaling_rules(spec["behavior"]["scaleUp"]);
  validate_scaling_rules(spec["behavior"]["scaleDown"]);
}

void validate_autoscaler_status(Change& change, const api::Value& object, const api::Value&) {
  const Field status = root(change, object)["status"];
  status["currentReplicas"].at_least(0);
  status["desiredReplicas"].at_least(0);
}

}  // namespace

const Strategy kPodDisruptionBudgetStrategy{
    .storage_resource = "policy/poddisruptionbudgets",
    .check_name = api::check_path_segment_name,
    .has_generation = true,
    .must_name_revision = true,
    .validate = validate_budget,
    .validate_status = validate_budget_status,
    .warn = warn_about_budget,
};
const Strategy kHorizontalPodAutoscalerStrategy{
    .storage_resource = "autoscaling/horizontalpodautoscalers",
    .validate = validate_autoscaler,
    .validate_status = validate_autoscaler_status,
};

}  // namespace pinnace::apiserver
