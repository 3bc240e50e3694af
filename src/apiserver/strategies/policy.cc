// What bounds or scales others: quotas, limit ranges, priority classes, disruption budgets,
// autoscalers; and signing requests.
#include <set>

#include "api/json.h"
#include "api/quantity.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"

namespace pinnace::apiserver {
namespace {

// -- ResourceQuota

void validate_quota_amounts(const Field& amounts) {
  if (!amounts.is_set()) return;
  for (const auto& [name, value] : amounts.value()->members()) {
    const Field amount = amounts.at_key(name);
    for (const auto& text : api::check_qualified_name(name)) {
      amount.invalid_value(quoted(name), text);
    }
    const auto parsed = api::Quantity::parse(amount.text());
    if (parsed && parsed->sign() < 0) amount.invalid("must be greater than or equal to 0");
  }
}

void validate_quota(Change& change, const api::Value& object) {
  validate_quota_amounts(root(change, object)["spec"]["hard"]);
}

void keep_quota_scopes(Change& change, const api::Value& object, const api::Value& old) {
  const Field scopes = root(change, object)["spec"]["scopes"];
  const auto* before = old.find_path({"spec", "scopes"});
  const bool was_empty = before == nullptr || before->empty();
  if (was_empty ? scopes.empty() : scopes.is_set() && api::equal(*before, *scopes.value())) return;
  scopes.invalid("field is immutable");
}

// -- LimitRange

// No amount of `low` may be more than the same one of `high`.
void validate_order(const Field& limit, const char* low, const char* high) {
  const Field lows = limit[low];
  if (!lows.is_set()) return;
  for (const auto& [name, value] : lows.value()->members()) {
    const auto* bound = limit[high].value() == nullptr ? nullptr : limit[high].value()->find(name);
    if (bound == nullptr || !bound->is_string() || !value.is_string()) continue;
    const auto a = api::Quantity::parse(value.as_string());
    const auto b = api::Quantity::parse(bound->as_string());
    if (!a || !b || !(*a > *b)) continue;
    lows.at_key(name).invalid(std::string(low) + " value " + a->format() + " is greater than " +
                              high + " value " + b->format());
  }
}

void validate_limit_range(Change& change, const api::Value& object) {
  std::set<std::string, std::less<>> types;
  for (const Field& limit : root(change, object)["spec"]["limits"].items()) {
    const Field type = limit["type"];
    if (!types.emplace(type.text()).second) type.duplicate();
    for (const char* key : {"max", "min", "default", "defaultRequest", "maxLimitRequestRatio"}) {
      validate_amounts(limit[key]);
    }
    if (type.text() == "Pod") {
      for (const char* key : {"default", "defaultRequest"}) {
        if (!limit[key].empty()) {
          limit[key].forbidden("may not be specified when `type` is 'Pod'");
        }
      }
    }
    validate_order(limit, "min", "max");
    validate_order(limit, "min", "defaultRequest");
    validate_order(limit, "defaultRequest", "max");
    validate_order(limit, "defaultRequest", "default");
    validate_order(limit, "default", "max");
  }
}

// -- PriorityClass

constexpr std::int64_t kHighestUserPriority = 1000000000;

void validate_priority_class(Change& change, const api::Value& object) {
  const Field one = root(change, object);
  const Field name = one["metadata"]["name"];
  const Field value = one["value"];
  if (name.text().starts_with("system-")) {
    const bool is_known =
        (name.text() == "system-node-critical" && value.number() == 2000001000) ||
        (name.text() == "system-cluster-critical" && value.number() == 2000000000);
    if (!is_known) {
      name.forbidden(
          "priority class names with 'system-' prefix are reserved for system use only. error: " +
          std::string(name.text()) + " is not a known system priority class");
    }
  } else if (value.number() > kHighestUserPriority) {
    value.forbidden("maximum allowed value of a user defined priority is 1000000000");
  }
}

void keep_priority_class(Change& change, const api::Value& object, const api::Value& old) {
  const Field now = root(change, object);
  if (now["value"].number() != old.int_at("value")) {
    now["value"].forbidden("may not be changed in an update.");
  }
  now["preemptionPolicy"].immutable(old.find("preemptionPolicy"));
}

// -- PodDisruptionBudget

void validate_budget(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field minimum = spec["minAvailable"];
  const Field maximum = spec["maxUnavailable"];
  if (minimum.is_set() && maximum.is_set()) {
    spec.invalid("minAvailable and maxUnavailable cannot be both set");
  }
  validate_int_or_percent(minimum);
  validate_int_or_percent(maximum);
  validate_label_selector(spec["selector"]);
}

// -- HorizontalPodAutoscaler

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
  for (const char* key : {"kind", "name"}) {
    const Field part = target[key];
    if (part.require()) part.each(api::check_path_segment_name(part.text()));
  }
  for (const Field& metric : spec["metrics"].items()) {
    const Field type = metric["type"];
    if (type.empty()) {
      type.required("must specify a metric source type");
      continue;
    }
    std::string member(type.text());
    if (!member.empty()) member[0] = static_cast<char>(member[0] | 0x20);
    const Field source = metric[member];
    if (!source.is_set()) {
      source.required("must populate information for the given metric source");
    }
  }
}

// -- CertificateSigningRequest

// Who asks is what the server saw, not what the body says.
Result<void> prepare_signing_request(Change& change, api::Value& object) {
  api::Value& spec = object.ensure_object(change.arena, "spec");
  const User& user = change.call.user;
  spec.set_ref(change.arena, "username", change.text(user.name));
  spec.erase("uid");
  spec.erase("extra");
  if (!user.uid.empty()) spec.set_ref(change.arena, "uid", change.text(user.uid));
  api::Value groups = api::Value::array();
  for (const auto& group : user.groups) groups.append(change.arena, change.text(group));
  spec.set_ref(change.arena, "groups", groups);
  return {};
}

void validate_signing_request(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  spec["request"].require();
  if (spec["usages"].empty()) spec["usages"].required();
  const Field signer = spec["signerName"];
  if (!signer.require()) return;
  const auto slash = signer.text().find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == signer.text().size()) {
    signer.invalid(
        "must be a fully qualified domain and path of the form "
        "'example.com/signer-name'");
  }
  const Field expiry = spec["expirationSeconds"];
  if (expiry.is_set() && expiry.number() < 600) {
    expiry.invalid("may not specify a duration less than 600 seconds (10 minutes)");
  }
}

// Beyond the right to the subresource, a signer's name says who may approve and sign.
Result<void> check_signer(const Change& change, const api::Value& old) {
  const char* verb = change.subresource == "approval" ? "approve"
                     : change.subresource == "status" ? "sign"
                                                      : nullptr;
  const auto* spec = old.find("spec");
  if (verb == nullptr || spec == nullptr) return {};
  const std::string signer(spec->string_at("signerName"));
  const auto may = [&](std::string name) {
    return change.backend.authorization->allows(
        change.call.user,
        {verb, true, "certificates.k8s.io", "signers", "", "", std::move(name), ""});
  };
  if (may(signer) || may(signer.substr(0, signer.find('/')) + "/*")) return {};
  return errors::forbidden(
      "certificatesigningrequests.certificates.k8s.io", change.name,
      std::string("user not permitted to ") + verb + " requests with signerName " + quoted(signer));
}

Result<void> keep_signing_request(Change& change, api::Value& object, const api::Value& old) {
  if (const auto* spec = old.find("spec")) {
    object.set_ref(change.arena, "spec", api::deep_copy(change.arena, *spec));
  }
  return check_signer(change, old);
}

}  // namespace

const Strategy kResourceQuotaStrategy{
    .storage_resource = "resourcequotas",
    .returns_deleted = true,
    .validate = validate_quota,
    .validate_update = keep_quota_scopes,
};
const Strategy kLimitRangeStrategy{
    .storage_resource = "limitranges",
    .create_on_update = true,
    .validate = validate_limit_range,
};
const Strategy kPriorityClassStrategy{
    .storage_resource = "scheduling.k8s.io/priorityclasses",
    .has_generation = true,
    .validate = validate_priority_class,
    .validate_update = keep_priority_class,
};
const Strategy kPodDisruptionBudgetStrategy{
    .storage_resource = "policy/poddisruptionbudgets",
    .has_generation = true,
    .validate = validate_budget,
};
const Strategy kHorizontalPodAutoscalerStrategy{
    .storage_resource = "autoscaling/horizontalpodautoscalers",
    .validate = validate_autoscaler,
};
const Strategy kSigningRequestStrategy{
    .storage_resource = "certificates.k8s.io/certificatesigningrequests",
    .check_name = api::check_path_segment_name,
    .prepare_create = prepare_signing_request,
    .prepare_update = keep_signing_request,
    .validate = validate_signing_request,
};

}  // namespace pinnace::apiserver
