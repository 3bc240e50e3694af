#include "apiserver/registry/schema_validation.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/field.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Container;
using api::FieldInfo;
using api::Form;
using api::TypeInfo;

// The parts of `limits` that this file knows; the rest belongs to strategies or to feature gates.
struct Limits {
  std::optional<std::int64_t> minimum, maximum;
  std::size_t max_items = 0;
  bool immutable = false;
  bool label_key = false;
};

Limits parse_limits(std::string_view text) {
  Limits limits;
  for (const std::string_view part : split(text, ';')) {
    const auto equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    if (part.find(" if ") != std::string_view::npos) continue;
    if (name == "minimum")
      limits.minimum = parse_int(value);
    else if (name == "maximum")
      limits.maximum = parse_int(value);
    else if (name == "maxItems")
      limits.max_items = parse_uint(value).value_or(0);
    else if (name == "immutable")
      limits.immutable = true;
    else if (name == "format" && value == "k8s-label-key")
      limits.label_key = true;
  }
  return limits;
}

// One field with a rule, or with fields below that have one.
struct Rule {
  const FieldInfo* field;
  Limits limits;
  std::vector<std::string> valid;  // Of a closed set, in the order of the message.
  bool is_required = false;
  bool has_below = false;
};
using Plan = std::vector<Rule>;

// Texts that Kubernetes requires only together with others; strategies look after them.
constexpr std::string_view kNotAlone[] = {
    "fieldPath",          "operator",   "containerName", "message", "reason",
    "lastTransitionTime", "apiVersion", "group",         "value",   "audience"};
// Types of which a strategy says all that there is to say, in its own order and words.
constexpr std::string_view kOfStrategies[] = {"PodSpec",
                                              "PersistentVolumeSpec",
                                              "PersistentVolumeClaimSpec",
                                              "ResourceQuotaSpec",
                                              "LimitRangeItem",
                                              "HorizontalPodAutoscalerSpec",
                                              "ServiceSpec",
                                              "IngressSpec",
                                              "JobSpec",
                                              "CronJobSpec",
                                              "CertificateSigningRequestSpec",
                                              "NodeSpec",
                                              "FlowSchemaSpec",
                                              "PriorityLevelConfigurationSpec",
                                              "MutatingWebhook",
                                              "ValidatingWebhook",
                                              "ValidatingAdmissionPolicySpec",
                                              "MutatingAdmissionPolicySpec",
                                              "ValidatingAdmissionPolicyBindingSpec",
                                              "MutatingAdmissionPolicyBindingSpec",
                                              "DeviceClaim",
                                              "ResourceSliceSpec",
                                              "DeviceClassSpec",
                                              "DeviceTaintRuleSpec",
                                              "APIServiceSpec",
                                              "CustomResourceDefinitionSpec",
                                              "EndpointHints",
                                              "VolumeAttachmentSpec",
                                              "CSIDriverSpec",
                                              "CSINodeSpec",
                                              "PodCertificateRequestSpec",
                                              "ClusterTrustBundleSpec",
                                              "IngressClassSpec",
                                              "Scheduling",
                                              "NetworkPolicySpec",
                                              "IPAddressSpec",
                                              "ServiceCIDRSpec",
                                              "PodDisruptionBudgetSpec",
                                              "DeploymentSpec",
                                              "DaemonSetSpec",
                                              "StatefulSetSpec",
                                              "ReplicaSetSpec",
                                              "ReplicationControllerSpec",
                                              "PodSecurityPolicySpec",
                                              "PodPresetSpec"};
// Sets that are named in the order of their declaration; all others are sorted.
constexpr std::string_view kDeclaredOrder[] = {"restartPolicy", "dnsPolicy", "effect"};

bool is_in(std::span<const std::string_view> list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

bool is_text(const FieldInfo& field) {
  return field.form == Form::kString && field.container == Container::kOne;
}

bool is_required_text(const FieldInfo& field) {
  return field.required && is_text(field) && !field.omit_empty && field.default_json.empty() &&
         !is_in(kNotAlone, field.name);
}

bool has_rule(const FieldInfo& field) {
  if (!field.enum_values.empty() || is_required_text(field)) return true;
  const Limits limits = parse_limits(field.limits);
  return limits.minimum || limits.maximum || limits.max_items != 0 || limits.immutable ||
         limits.label_key;
}

// The plans of all built-in types, made once.
class Plans {
 public:
  explicit Plans(const api::Schema& schema) {
    mark(schema);
    for (const TypeInfo& type : schema.types) {
      if (!marked_.at(&type)) continue;
      add(type, plans_[&type]);
    }
  }
  const Plan* find(const TypeInfo& type) const {
    const auto found = plans_.find(&type);
    return found == plans_.end() ? nullptr : &found->second;
  }

 private:
  // Types may contain themselves: marks spread until nothing changes.
  void mark(const api::Schema& schema) {
    for (const TypeInfo& type : schema.types) marked_[&type] = false;
    bool changed = true;
    while (changed) {
      changed = false;
      for (const TypeInfo& type : schema.types) {
        bool& own = marked_[&type];
        if (own || is_in(kOfStrategies, type.name)) continue;
        own = std::any_of(type.fields.begin(), type.fields.end(), [&](const FieldInfo& field) {
          return has_rule(field) || is_marked(field.type);
        });
        changed = changed || own;
      }
    }
  }
  bool is_marked(const TypeInfo* type) const {
    const auto found = marked_.find(type);
    return found != marked_.end() && found->second;
  }

  void add(const TypeInfo& type, Plan& plan) {
    for (const FieldInfo& field : type.fields) {
      if (field.is_inline && field.type != nullptr) {
        add(*field.type, plan);
        continue;
      }
      const bool is_server_s = type.is_kind && (field.name == "metadata" || field.name == "status");
      if (is_server_s) continue;
      Rule rule{
          &field, parse_limits(field.limits), {}, is_required_text(field), is_marked(field.type)};
      for (const auto value : field.enum_values) rule.valid.emplace_back(value);
      if (!is_in(kDeclaredOrder, field.name)) std::sort(rule.valid.begin(), rule.valid.end());
      if (has_rule(field) || rule.has_below) plan.push_back(std::move(rule));
    }
  }

  std::unordered_map<const TypeInfo*, bool> marked_;
  std::unordered_map<const TypeInfo*, Plan> plans_;
};

class Checker {
 public:
  explicit Checker(const Plans& plans) : plans_(plans) {}

  void check(const TypeInfo& type, const Field& object, const api::Value* old) const {
    const Plan* plan = plans_.find(type);
    if (plan == nullptr || object.value() == nullptr || !object.value()->is_object()) return;
    for (const Rule& rule : *plan) {
      const auto* before = old == nullptr ? nullptr : old->find(rule.field->name);
      check_field(rule, object[rule.field->name], before, old != nullptr);
    }
  }

 private:
  void check_field(const Rule& rule, const Field& field, const api::Value* before,
                   bool is_update) const {
    if (rule.limits.immutable && is_update) {
      field.immutable(before);
    }
    if (rule.is_required && field.empty()) return field.required();
    if (!field.is_set()) return;
    // What was accepted once is not refused later.
    if (before != nullptr && api::equal(*before, *field.value())) return;
    if (rule.limits.max_items != 0 && field.size() > rule.limits.max_items) {
      field.too_many(rule.limits.max_items);
    }
    switch (rule.field->container) {
      case Container::kOne:
        return check_one(rule, field, before);
      case Container::kList:
        for (const Field& item : field.items()) check_one(rule, item, nullptr);
        return;
      case Container::kMap:
        for (const auto& [key, entry] : field.entries()) check_one(rule, entry, nullptr);
    }
  }

  void check_one(const Rule& rule, const Field& field, const api::Value* before) const {
    if (!field.is_set()) return;
    if (field.value()->is_string() && !field.empty()) {
      const bool is_known = rule.valid.empty() || std::find(rule.valid.begin(), rule.valid.end(),
                                                            field.text()) != rule.valid.end();
      if (!is_known) field.not_supported(rule.valid);
      if (rule.limits.label_key) field.each(api::check_qualified_name(field.text()));
    }
    if (field.value()->is_int()) {
      if (rule.limits.minimum) field.at_least(*rule.limits.minimum);
      if (rule.limits.maximum && field.number() > *rule.limits.maximum) {
        field.invalid("must be less than or equal to " + std::to_string(*rule.limits.maximum));
      }
    }
    if (rule.has_below) check(*rule.field->type, field, before);
  }

  const Plans& plans_;
};

// Something was said of this field, or all that it is part of was refused, or the list that it is
// an item of was found to hold what is not supported.
bool is_said(const std::vector<Cause>& causes, const std::string& field) {
  return std::any_of(causes.begin(), causes.end(), [&](const Cause& said) {
    if (said.field == field) return true;
    if (!field.starts_with(said.field) || said.field.empty()) return false;
    const char next = field[said.field.size()];
    if (said.type == "FieldValueNotSupported") return next == '[';
    return said.type == "FieldValueForbidden" && (next == '.' || next == '[');
  });
}

}  // namespace

void validate_by_schema(Change& change, const api::TypeInfo& type, const api::Value& object,
                        const api::Value* old) {
  static const Plans kPlans(api::builtin_schema());
  std::vector<Cause> found;
  Checker(kPlans).check(type, {found, change.arena, &object}, old);
  for (Cause& cause : found) {
    if (!is_said(change.causes, cause.field)) change.causes.push_back(std::move(cause));
  }
}

}  // namespace pinnace::apiserver
