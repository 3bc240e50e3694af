// FlowSchemas and PriorityLevelConfigurations: who waits for whom.
#include <algorithm>
#include <cmath>
#include <set>

#include "apiserver/fairness/default_objects.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"

namespace pinnace::apiserver {
namespace {

constexpr std::int64_t kMaxPrecedence = 10000, kMaxQueues = 10 * 1000 * 1000;

// Flows are dealt their hands by as many bits of a hash.
constexpr int kMaxHashBits = 60;

// Bits that tell all hands of distinct queues apart.
int bits_of_hands(std::int64_t queues, std::int64_t hand) {
  double bits = 0;
  for (std::int64_t i = 0; i < hand && bits <= kMaxHashBits; ++i) {
    bits += std::log2(static_cast<double>(queues - i));
  }
  return static_cast<int>(std::ceil(bits));
}

// What keeps the server going is not for clients to change.
void validate_mandatory(const Field& root, const api::Value& object, bool is_schema) {
  const std::string name(root["metadata"]["name"].text());
  const auto* wanted = fairness::find_default(is_schema, name);
  const api::Value* spec = object.find("spec");
  if (wanted == nullptr || !wanted->is_mandatory || spec == nullptr ||
      fairness::has_default_spec(*wanted, *spec)) {
    return;
  }
  const bool is_partly_free = !is_schema && name == fairness::kExempt;
  root["spec"].invalid("spec of '" + name + "' " +
                       (is_partly_free ? "except the 'spec.exempt' field " : "") +
                       "must equal the fixed value");
}

// "*" stands alone in a list that has it.
// Says whether the list has it: then the others are not looked at.
bool validate_alone(const Field& list, const char* detail) {
  const auto items = list.items();
  const bool has_all =
      std::any_of(items.begin(), items.end(), [](const Field& item) { return item.is("*"); });
  if (has_all && items.size() > 1) list.invalid(detail);
  return has_all;
}

void validate_verbs(const Field& verbs) {
  if (!verbs.require("verbs must contain at least one value")) return;
  if (validate_alone(verbs, "if '*' is present, must not specify other verbs")) return;
  for (const Field& verb : verbs.items()) {
    if (verb.is_among({"create", "delete", "deletecollection", "get", "list", "patch", "proxy",
                       "update", "watch"})) {
      continue;
    }
    return verbs.not_supported({"create", "delete", "deletecollection", "get", "list", "patch",
                                "proxy", "update", "watch"});
  }
}

void validate_resource_rule(const Field& rule) {
  validate_verbs(rule["verbs"]);
  const Field groups = rule["apiGroups"];
  if (groups.require("resource rules must supply at least one api group")) {
    validate_alone(groups, "if '*' is present, must not specify other api groups");
  }
  const Field resources = rule["resources"];
  if (resources.require("resource rules must supply at least one resource")) {
    validate_alone(resources, "if '*' is present, must not specify other resources");
  }
  const Field namespaces = rule["namespaces"];
  if (namespaces.empty()) {
    if (!rule["clusterScope"].flag()) {
      namespaces.required(
          "resource rules that are not cluster scoped must supply at least one namespace");
    }
    return;
  }
  if (validate_alone(namespaces, "if '*' is present, must not specify other namespaces")) return;
  for (const Field& ns : namespaces.items()) {
    for (const auto& wrong : api::check_dns1123_label(ns.text())) {
      ns.invalid("each member of this list must be '*' or a DNS-1123 label; " + wrong);
    }
  }
}

void validate_url_rule(const Field& rule) {
  validate_verbs(rule["verbs"]);
  const Field urls = rule["nonResourceURLs"];
  if (!urls.require("nonResourceURLs must contain at least one value")) return;
  if (validate_alone(urls, "if '*' is present, must not specify other non-resource URLs")) return;
  for (const Field& url : urls.items()) {
    const std::string_view text = url.text();
    if (text.empty()) {
      url.invalid("must not be empty");
    } else if (text == "/") {
      continue;
    } else if (!text.starts_with('/')) {
      url.invalid("must start with slash");
    } else if (text.find(' ') != std::string_view::npos) {
      url.invalid("must not contain white-space");
    } else if (text.find("//") != std::string_view::npos) {
      url.invalid("must not contain double slash");
    } else if (const auto star = text.find('*');
               star != std::string_view::npos &&
               (star + 1 != text.size() || text[star - 1] != '/')) {
      url.invalid("wildcard can only do suffix matching");
    }
  }
}

void validate_account(const Field& account) {
  const Field name = account["name"];
  const Field ns = account["namespace"];
  if (name.require() && !name.is("*")) name.each(api::check_dns1123_subdomain(name.text()));
  if (ns.require("must specify namespace for service account")) {
    ns.each(api::check_dns1123_label(ns.text()));
  }
}

void validate_subject(const Field& subject) {
  struct Kind {
    const char* kind;
    const char* member;
  };
  constexpr Kind kKinds[] = {
      {"ServiceAccount", "serviceAccount"}, {"User", "user"}, {"Group", "group"}};
  const Field kind = subject["kind"];
  if (!kind.is_among({"User", "Group", "ServiceAccount"})) {
    return kind.not_supported_value(quoted(kind.text()), {"Group", "ServiceAccount", "User"});
  }
  for (const Kind& one : kKinds) {
    const Field member = subject[one.member];
    if (!kind.is(one.kind)) continue;
    if (!member.is_set()) {
      member.required(std::string(one.member) + " is required when subject kind is '" + one.kind +
                      "'");
    } else if (kind.is("ServiceAccount")) {
      validate_account(member);
    } else {
      member["name"].require();
    }
  }
  for (const Kind& one : kKinds) {
    const Field member = subject[one.member];
    if (kind.is(one.kind) || !member.is_set()) continue;
    member.forbidden(std::string(one.member) + " is forbidden when subject kind is not '" +
                     one.kind + "'");
  }
}

void validate_flow_schema(Change& change, const api::Value& object) {
  const Field schema = root(change, object);
  const Field spec = schema["spec"];
  const Field precedence = spec["matchingPrecedence"];
  if (precedence.number() <= 0) precedence.invalid("must be a positive value");
  if (precedence.number() > kMaxPrecedence) {
    precedence.invalid("must not be greater than 10000");
  }
  if (precedence.number() == 1 && !schema["metadata"]["name"].is("exempt")) {
    precedence.invalid("only the schema named 'exempt' may have matchingPrecedence 1");
  }
  const Field method = spec["distinguisherMethod"];
  if (method.is_set() && !method["type"].is_among({"ByNamespace", "ByUser"})) {
    method["type"].not_supported_value("{\"Type\":" + quoted(method["type"].text()) + "}",
                                       {"ByNamespace", "ByUser"});
  }
  const Field level = spec["priorityLevelConfiguration"]["name"];
  if (level.empty())
    level.required("must reference a priority level");
  else
    level.each(api::check_dns1123_subdomain(level.text()));
  for (const Field& rule : spec["rules"].items()) {
    if (rule["subjects"].empty())
      rule["subjects"].required("subjects must contain at least one value");
    for (const Field& subject : rule["subjects"].items()) validate_subject(subject);
    if (rule["resourceRules"].empty() && rule["nonResourceRules"].empty()) {
      rule.required("at least one of resourceRules and nonResourceRules has to be non-empty");
    }
    for (const Field& one : rule["resourceRules"].items()) validate_resource_rule(one);
    for (const Field& one : rule["nonResourceRules"].items()) validate_url_rule(one);
  }
  validate_mandatory(schema, object, true);
}

// Of both kinds.
void validate_flow_status(Change& change, const api::Value& object, const api::Value&) {
  std::set<std::string, std::less<>> types;
  for (const Field& condition : root(change, object)["status"]["conditions"].items()) {
    const Field type = condition["type"];
    if (!types.emplace(type.text()).second) type.duplicate_value(quoted(type.text()));
    type.require("must not be empty");
  }
}

// -- PriorityLevelConfiguration

void validate_queuing(const Field& queuing) {
  const Field length = queuing["queueLengthLimit"];
  const Field queues = queuing["queues"];
  const Field hand = queuing["handSize"];
  for (const Field& one : {length, queues}) {
    if (one.number() <= 0) one.invalid("must be positive");
  }
  if (queues.number() > kMaxQueues) {
    queues.invalid("must not be greater than 10000000");
  }
  if (hand.number() <= 0) {
    hand.invalid("must be positive");
  } else if (hand.number() > queues.number()) {
    hand.invalid("should not be greater than queues (" + std::to_string(queues.number()) + ")");
  } else if (const int bits = bits_of_hands(queues.number(), hand.number()); bits > kMaxHashBits) {
    hand.invalid("required entropy bits of deckSize " + std::to_string(queues.number()) +
                 " and handSize " + std::to_string(hand.number()) + " should not be greater than " +
                 std::to_string(kMaxHashBits));
  }
}

void validate_lendable(const Field& lendable) {
  if (lendable.is_set() && (lendable.number() < 0 || lendable.number() > 100)) {
    lendable.invalid("must be between 0 and 100, inclusive");
  }
}

void validate_limited(const Field& limited, std::string_view version) {
  const Field shares = limited["nominalConcurrencyShares"];
  const bool is_old = version == "v1beta1" || version == "v1beta2";
  if (shares.number(30) < 0) {
    shares.as(is_old ? limited["assuredConcurrencyShares"] : shares)
        .invalid("must be a non-negative integer");
  }
  const Field response = limited["limitResponse"];
  const Field type = response["type"];
  const Field queuing = response["queuing"];
  if (!type.is_among({"Queue", "Reject"})) {
    type.not_supported_value(quoted(type.text()), {"Queue", "Reject"});
  }
  if (type.is("Reject") && queuing.is_set()) {
    queuing.forbidden("must be nil if limited.limitResponse.type is not Limited");
  }
  if (type.is("Queue")) {
    if (queuing.is_set())
      validate_queuing(queuing);
    else
      queuing.required("must not be empty if limited.limitResponse.type is Limited");
  }
  validate_lendable(limited["lendablePercent"]);
  const Field borrowing = limited["borrowingLimitPercent"];
  if (borrowing.is_set() && borrowing.number() < 0) {
    borrowing.invalid("if specified, must be a non-negative integer");
  }
}

void validate_exempt(const Field& exempt) {
  const Field shares = exempt["nominalConcurrencyShares"];
  if (shares.number() < 0) shares.invalid("must be a non-negative integer");
  validate_lendable(exempt["lendablePercent"]);
}

void validate_level_spec(const Field& level, std::string_view version) {
  const Field spec = level["spec"];
  const Field type = spec["type"];
  const Field limited = spec["limited"];
  if (level["metadata"]["name"].is("exempt") != type.is("Exempt")) {
    type.invalid_value(quoted(type.text()), "must be 'Exempt' if and only if `name` is 'exempt'");
  }
  if (type.is("Exempt")) {
    if (limited.is_set()) limited.forbidden("must be nil if the type is not Limited");
    return validate_exempt(spec["exempt"]);
  }
  if (!type.is("Limited")) {
    return type.not_supported_value(quoted(type.text()), {"Exempt", "Limited"});
  }
  if (spec["exempt"].is_set()) spec["exempt"].forbidden("must be nil if the type is Limited");
  if (limited.is_set())
    validate_limited(limited, version);
  else
    limited.required("must not be empty when type is Limited");
}

void validate_priority_level(Change& change, const api::Value& object) {
  // What v1beta3 says of objects to itself.
  constexpr std::string_view kReserved =
      "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";
  const Field level = root(change, object);
  const Field annotations = level["metadata"]["annotations"];
  if (annotations.at_key(kReserved).is_set()) {
    annotations.forbidden("annotation '" + std::string(kReserved) + "' is forbidden");
  }
  validate_level_spec(level, change.call.resource->version);
  validate_mandatory(level, object, false);
}

}  // namespace

const Strategy kFlowSchemaStrategy{
    .storage_resource = "flowcontrol.apiserver.k8s.io/flowschemas",
    .has_generation = true,
    .validate = validate_flow_schema,
    .validate_status = validate_flow_status,
};
const Strategy kPriorityLevelStrategy{
    .storage_resource = "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations",
    .has_generation = true,
    .validate = validate_priority_level,
    .validate_status = validate_flow_status,
};

}  // namespace pinnace::apiserver
