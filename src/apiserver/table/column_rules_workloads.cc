// Cells of Deployments, StatefulSets, Jobs, autoscalers and what they own.
#include "apiserver/registry/object_meta.h"
#include "apiserver/table/column_rules.h"
#include "apiserver/table/column_text.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

std::string ready_replicas(const Value& object, WallTime) {
  return std::to_string(number_at(object, {"status", "readyReplicas"})) + "/" +
         std::to_string(number_at(object, {"spec", "replicas"}));
}

std::string job_status(const Value& job, WallTime) {
  const auto conditions = list_at(job, {"status", "conditions"});
  for (const std::string_view type : {"Complete", "Failed"}) {
    if (is_condition_true(conditions, type)) return std::string(type);
  }
  if (is_being_deleted(job)) return "Terminating";
  for (const std::string_view type : {"Suspended", "FailureTarget", "SuccessCriteriaMet"}) {
    if (is_condition_true(conditions, type)) return std::string(type);
  }
  return "Running";
}

std::string job_completions(const Value& job, WallTime) {
  const std::string done = std::to_string(number_at(job, {"status", "succeeded"}));
  const Value* wanted = job.find_path({"spec", "completions"});
  if (wanted != nullptr && wanted->is_int()) return done + "/" + std::to_string(wanted->as_int());
  const std::int64_t parallelism = number_at(job, {"spec", "parallelism"});
  return done + "/1" + (parallelism > 1 ? " of " + std::to_string(parallelism) : "");
}

std::string job_duration(const Value& job, WallTime now) {
  WallTime start, end = now;
  if (!parse_rfc3339(text_at(job, {"status", "startTime"}), start)) return {};
  const std::string_view completed = text_at(job, {"status", "completionTime"});
  if (!completed.empty() && !parse_rfc3339(completed, end)) return {};
  return short_duration(end - start);
}

std::string suspend(const Value& cron_job, WallTime) {
  const Value* value = cron_job.find_path({"spec", "suspend"});
  if (value == nullptr || !value->is_bool()) return "<unset>";
  return value->as_bool() ? "True" : "False";
}

std::string controller(const Value& object, WallTime) {
  for (const Value& owner : list_at(object, {"metadata", "ownerReferences"})) {
    if (!owner.bool_at("controller")) continue;
    std::string kind(owner.string_at("kind"));
    const std::string_view version = owner.string_at("apiVersion");
    const auto slash = version.find('/');
    if (slash != std::string_view::npos) (kind += '.') += version.substr(0, slash);
    return to_lower(kind) + "/" + std::string(owner.string_at("name"));
  }
  return "<none>";
}

// The member of a metric that its type names: "ContainerResource" → "containerResource".
const Value* metric_source(const Value& metric, std::string_view type) {
  std::string member(type);
  if (!member.empty()) member[0] = static_cast<char>(member[0] - 'A' + 'a');
  const Value* source = metric.find(member);
  return source != nullptr && source->is_object() ? source : nullptr;
}

// What a metric's current or target value says under `name`; "" when it says nothing.
std::string measured(const Value* source, std::string_view side, std::string_view name) {
  const Value* value = source == nullptr ? nullptr : source->find_path({side, name});
  return value == nullptr ? std::string() : scalar_text(*value);
}

std::string or_else(std::string text, std::string_view fallback) {
  return text.empty() ? std::string(fallback) : text;
}

std::string utilization(const Value* source, std::string_view side, std::string_view fallback) {
  const std::string percent = measured(source, side, "averageUtilization");
  return percent.empty() ? std::string(fallback) : percent + "%";
}

std::string metric_text(const Value& metric, const Value* status) {
  const std::string_view type = metric.string_at("type");
  const bool is_resource = type == "Resource" || type == "ContainerResource";
  if (!is_resource && type != "Pods" && type != "Object" && type != "External") {
    return "<unknown type>";
  }
  const Value* wanted = metric_source(metric, type);
  const Value* now = status == nullptr ? nullptr : metric_source(*status, type);
  const std::string average = measured(wanted, "target", "averageValue");
  const std::string current_average =
      or_else(measured(now, "current", "averageValue"), "<unknown>");
  if (is_resource) {
    std::string text(wanted == nullptr ? "" : wanted->string_at("name"));
    text += ": ";
    if (!average.empty()) return text + current_average + "/" + average;
    return text + utilization(now, "current", "<unknown>") + "/" +
           utilization(wanted, "target", "<auto>");
  }
  if (type == "Pods") return current_average + "/" + average;
  if (!average.empty()) return current_average + "/" + average + " (avg)";
  return or_else(measured(now, "current", "value"), "<unknown>") + "/" +
         measured(wanted, "target", "value");
}

std::string hpa_targets(const Value& scaler, WallTime) {
  const auto metrics = list_at(scaler, {"spec", "metrics"});
  if (metrics.empty()) return "<none>";
  const auto current = list_at(scaler, {"status", "currentMetrics"});
  constexpr std::size_t kShown = 2;
  std::string text;
  for (std::size_t i = 0; i < metrics.size() && i < kShown; ++i) {
    if (i != 0) text += ", ";
    text += metric_text(metrics[i], i < current.size() ? &current[i] : nullptr);
  }
  if (metrics.size() <= kShown) return text;
  return text + " + " + std::to_string(metrics.size() - kShown) + " more...";
}

constexpr ColumnRule kRules[] = {
    {"ready-replicas", ready_replicas},
    {"job-status", job_status},
    {"job-completions", job_completions},
    {"job-duration", job_duration},
    {"suspend", suspend},
    {"controller", controller},
    {"hpa-targets", hpa_targets},
};

}  // namespace

std::span<const ColumnRule> workload_column_rules() { return kRules; }

}  // namespace pinnace::apiserver
