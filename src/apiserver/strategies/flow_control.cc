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
void validate_alone(const Field& list, const char* detail) {
  const auto items = list.items();
  const bool has_all =
      std::any_of(items.begin(), items.end(), [](const Field& item) { return item.is("*"); });
  if (has_all && items.size() > 1) list.invalid(detail);
}

void validate_verbs(const Field& verbs) {
  if (verbs.empty()) return verbs.required();
  constexpr auto kNot = "if '*' is present, must not specify other verbs";
  validate_alone(verbs, kNot);
  for (const Field& verb : verbs.items()) {
    if (verb.is_among({"*", "get", "list", "create", "update", "delete", "deletecollection",
                       "patch", "watch", "proxy", "head", "options", "post", "put"})) {
      continue;
    }
    verbs.not_supported_value(
        verbs.shown(), {"create", "delete", "deletecollection", "get", "head", "list", "options",
                        "patch", "post", "proxy", "put", "update", "watch"});
    return;
  }
}

void validate_resource_rule(const Field& rule) {
  validate_verbs(rule["verbs"]);
  const Field groups = rule["apiGroups"];
  if (groups.require()) {
    validate_alone(groups, "if '*' is present, must not specify other api groups");
  }
  const Field resources = rule["resources"];
  if (resources.require()) {
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
  validate_alone(namespaces, "if '*' is present, must not specify other namespaces");
  for (const Field& ns : namespaces.items()) {
    if (!ns.is("*")) ns.each(api::check_dns1123_label(ns.text()));
  }
}

void validate_url_rule(const Field& rule) {
  validate_verbs(rule["verbs"]);
  const Field urls = rule["nonResourceURLs"];
  if (!urls.require()) return;
  validate_alone(urls, "if '*' is present, must not specify other non-resource URLs");
  for (const Field& url : urls.items()) {
    const std::string_view text = url.text();
    if (text == "*") continue;
    if (text.empty()) {
      url.invalid("must not be empty");
    } else if (text == "/") {
      continue;
    } else if (!text.starts_with('/')) {
      url.invalid("must start with slash");
    } else if (text.find("//") != std::string_view::npos) {
      url.invalid("must not contain double-slash");
    } else if (text.find(' ') != std::string_view::npos) {
      url.invalid("must not contain white-space");
    } else if (const auto star = text.find('*');
               star != std::string_view::npos &&
               (star + 1 != text.size() || text[star - 1] != '/')) {
      url.invalid("wildcard can only do suffix matching");
    }
  }
}

void validate_subject(const Field& subject) {
  struct Kind {
    std::string_view kind;
    const char* member;
  };
  constexpr Kind kKinds[] = {
      {"User", "user"}, {"Group", "group"}, {"ServiceAccount", "serviceAccount"}};
  const Field kind = subject["kind"];
  if (!kind.is_among({"User", "Group", "ServiceAccount"})) {
    kind.not_supported_value(quoted(kind.text()), {"Group", "ServiceAccount", "User"});
  }
  for (const Kind& one : kKinds) {
    const Field member = subject[one.member];
    if (kind.is(one.kind) && !member.is_set()) {
      member.required(std::string(one.member) + " is required when subject kind is '" +
                      std::string(one.kind) + "'");
    } else if (!kind.is(one.kind) && member.is_set()) {
      member.forbidden(std::string(one.member) + " is forbidden when subject kind is not '" +
                       std::string(one.kind) + "'");
    }
    if (kind.is(one.kind) && member.is_set()) member["name"].require();
  }
  const Field account = subject["serviceAccount"];
  if (!kind.is("ServiceAccount") || !account.is_set()) return;
  const Field ns = account["namespace"];
  if (!account["name"].empty() && !account["name"].is("*")) {
    account["name"].each(api::check_dns1123_subdomain(account["name"].text()));
  }
  if (ns.require("must specify namespace for service account")) {
    ns.each(api::check_dns1123_label(ns.text()));
  }
}

void validate_flow_schema(Change& change, const api::Value& object) {
  const Field schema = root(change, object);
  validate_mandatory(schema, object, true);
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
    method["type"].not_supported({"ByNamespace", "ByUser"});
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
}

// -- PriorityLevelConfiguration

void validate_queuing(const Field& queuing) {
  for (const char* key : {"queueLengthLimit", "queues", "handSize"}) {
    if (queuing[key].number() <= 0) queuing[key].invalid("must be positive");
  }
  const Field queues = queuing["queues"];
  const Field hand = queuing["handSize"];
  if (queues.number() > kMaxQueues) {
    queues.invalid("must not be greater than 10000000");
  }
  if (hand.number() > queues.number()) {
    hand.invalid("should not be greater than queues (" + std::to_string(queues.number()) + ")");
  } else if (const int bits = bits_of_hands(queues.number(), hand.number()); bits > kMaxHashBits) {
    hand.invalid("required entropy bits of deckSize " + std::to_string(queues.number()) +
                 " and handSize " + std::to_string(hand.number()) + " should not be greater than " +
                 std::to_string(kMaxHashBits));
  }
}

void validate_limited(const Field& limited) {
  const Field shares = limited["nominalConcurrencyShares"];
  if (shares.number(30) < 0) shares.invalid("must be a non-negative integer");
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
  const Field lendable = limited["lendablePercent"];
  if (lendable.is_set() && (lendable.number() < 0 || lendable.number() > 100)) {
    lendable.invalid("must be between 0 and 100, inclusive");
  }
  const Field borrowing = limited["borrowingLimitPercent"];
  if (borrowing.is_set() && borrowing.number() < 0) {
    borrowing.invalid("if specified, must be a non-negative integer");
  }
}

void validate_priority_level(Change& change, const api::Value& object) {
  const Field level = root(change, object);
  validate_mandatory(level, object, false);
  const Field spec = level["spec"];
  const Field type = spec["type"];
  const Field limited = spec["limited"];
  const bool is_exempt = level["metadata"]["name"].is("exempt");
  if (is_exempt && !type.is("Exempt")) {
    type.invalid("must be 'Exempt' if `name` is 'exempt'");
  }
  if (type.is("Exempt")) {
    if (limited.is_set()) limited.forbidden("must be nil if the type is not Limited");
    return;
  }
  if (!type.is("Limited")) {
    return type.not_supported_value(quoted(type.text()), {"Exempt", "Limited"});
  }
  if (spec["exempt"].is_set()) spec["exempt"].forbidden("must be nil if the type is Limited");
  if (limited.is_set())
    validate_limited(limited);
  else
    limited.required("must not be empty when type is Limited");
}

}  // namespace

const Strategy kFlowSchemaStrategy{
    .storage_resource = "flowcontrol.apiserver.k8s.io/flowschemas",
    .has_generation = true,
    .validate = validate_flow_schema,
};
const Strategy kPriorityLevelStrategy{
    .storage_resource = "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations",
    .has_generation = true,
    .validate = validate_priority_level,
};

}  // namespace pinnace::apiserver
