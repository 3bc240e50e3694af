#include "apiserver/fairness/model.h"

#include <algorithm>
#include <functional>
#include <span>
#include <tuple>

namespace pinnace::apiserver::fairness {

namespace {

using api::Value;
using Strings = std::vector<std::string>;

// "*". Every request comes by here a dozen times.
bool is_all(const std::string& text) { return text.size() == 1 && text[0] == '*'; }

bool has(const Strings& list, std::string_view text) {
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& each) { return is_all(each) || each == text; });
}

bool has_resource(const Strings& list, const RequestInfo& info) {
  if (info.subresource.empty()) return has(list, info.resource);
  const std::size_t slash = info.resource.size();
  return std::any_of(list.begin(), list.end(), [&](const std::string& each) {
    return is_all(each) ||
           (each.size() == slash + 1 + info.subresource.size() && each.starts_with(info.resource) &&
            each[slash] == '/' && each.ends_with(info.subresource));
  });
}

bool matches_subject(const FlowSchema::Subject& subject, const User& user) {
  using Kind = FlowSchema::Subject::Kind;
  switch (subject.kind) {
    case Kind::kUser:
      return is_all(subject.name) || subject.name == user.name;
    case Kind::kGroup:
      return is_all(subject.name) || user.in_group(subject.name);
    case Kind::kServiceAccount:
      break;
  }
  std::string_view name = user.name;
  if (!name.starts_with(kServiceAccountPrefix)) return false;
  name.remove_prefix(std::string_view(kServiceAccountPrefix).size());
  const auto colon = name.find(':');
  if (colon == std::string_view::npos || name.substr(0, colon) != subject.ns) return false;
  return is_all(subject.name) || name.substr(colon + 1) == subject.name;
}

bool matches_resource(const FlowSchema::ResourceRule& rule, const RequestInfo& info) {
  if (!has(rule.verbs, info.verb) || !has(rule.groups, info.group)) return false;
  if (!has_resource(rule.resources, info)) return false;
  return info.ns.empty() ? rule.cluster_scope : has(rule.namespaces, info.ns);
}

bool matches_url(const FlowSchema::UrlRule& rule, const RequestInfo& info) {
  if (!has(rule.verbs, info.verb)) return false;
  return std::any_of(rule.urls.begin(), rule.urls.end(), [&](const std::string& url) {
    if (is_all(url) || url == info.path) return true;
    return url.ends_with('*') &&
           info.path.starts_with(std::string_view(url).substr(0, url.size() - 1));
  });
}

bool matches_rule(const FlowSchema::Rule& rule, const User& user, const RequestInfo& info) {
  if (std::none_of(rule.subjects.begin(), rule.subjects.end(),
                   [&](const auto& each) { return matches_subject(each, user); })) {
    return false;
  }
  if (info.is_resource) {
    return std::any_of(rule.resources.begin(), rule.resources.end(),
                       [&](const auto& each) { return matches_resource(each, info); });
  }
  return std::any_of(rule.urls.begin(), rule.urls.end(),
                     [&](const auto& each) { return matches_url(each, info); });
}

std::span<const Value> list_at(const Value& object, std::string_view name) {
  const Value* list = object.find(name);
  return list == nullptr ? std::span<const Value>() : list->items();
}

Strings strings_at(const Value& object, std::string_view name) {
  Strings out;
  for (const Value& each : list_at(object, name)) {
    if (each.is_string()) out.emplace_back(each.as_string());
  }
  return out;
}

FlowSchema::Subject read_subject(const Value& from) {
  using Kind = FlowSchema::Subject::Kind;
  const std::string_view kind = from.string_at("kind");
  const auto detail = [&](std::string_view member, std::string_view name) {
    const Value* found = from.find(member);
    return std::string(found == nullptr ? std::string_view() : found->string_at(name));
  };
  if (kind == "Group") return {Kind::kGroup, detail("group", "name"), ""};
  if (kind == "ServiceAccount") {
    return {Kind::kServiceAccount, detail("serviceAccount", "name"),
            detail("serviceAccount", "namespace")};
  }
  return {Kind::kUser, detail("user", "name"), ""};
}

FlowSchema::Rule read_rule(const Value& from) {
  FlowSchema::Rule rule;
  for (const Value& each : list_at(from, "subjects")) rule.subjects.push_back(read_subject(each));
  for (const Value& each : list_at(from, "resourceRules")) {
    rule.resources.push_back({strings_at(each, "verbs"), strings_at(each, "apiGroups"),
                              strings_at(each, "resources"), strings_at(each, "namespaces"),
                              each.bool_at("clusterScope")});
  }
  for (const Value& each : list_at(from, "nonResourceRules")) {
    rule.urls.push_back({strings_at(each, "verbs"), strings_at(each, "nonResourceURLs")});
  }
  return rule;
}

std::string text_at(const Value& object, std::initializer_list<std::string_view> path) {
  const Value* found = object.find_path(path);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

}  // namespace

bool FlowSchema::matches(const User& user, const RequestInfo& info) const {
  return std::any_of(rules.begin(), rules.end(),
                     [&](const Rule& rule) { return matches_rule(rule, user, info); });
}

std::uint64_t FlowSchema::flow_of(const User& user, const RequestInfo& info) const {
  constexpr std::hash<std::string_view> kHash;
  std::uint64_t hash = kHash(name);
  if (distinguisher == Distinguisher::kUser) hash = hash * 31 + kHash(user.name);
  if (distinguisher == Distinguisher::kNamespace) hash = hash * 31 + kHash(info.ns);
  // What differs in one letter is dealt another hand: all bits take part.
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  return hash ^ hash >> 33;
}

FlowSchema read_flow_schema(const Value& object) {
  FlowSchema schema;
  schema.name = text_at(object, {"metadata", "name"});
  schema.uid = text_at(object, {"metadata", "uid"});
  schema.level = text_at(object, {"spec", "priorityLevelConfiguration", "name"});
  const Value* spec = object.find("spec");
  if (spec == nullptr) return schema;
  schema.precedence = spec->int_at("matchingPrecedence", schema.precedence);
  const std::string method = text_at(*spec, {"distinguisherMethod", "type"});
  if (method == "ByUser") schema.distinguisher = FlowSchema::Distinguisher::kUser;
  if (method == "ByNamespace") schema.distinguisher = FlowSchema::Distinguisher::kNamespace;
  for (const Value& rule : list_at(*spec, "rules")) schema.rules.push_back(read_rule(rule));
  return schema;
}

PriorityLevel read_priority_level(const Value& object) {
  PriorityLevel level;
  level.name = text_at(object, {"metadata", "name"});
  level.uid = text_at(object, {"metadata", "uid"});
  level.is_exempt = text_at(object, {"spec", "type"}) == "Exempt";
  const Value* own = object.find_path({"spec", level.is_exempt ? "exempt" : "limited"});
  if (own == nullptr) return level;
  level.seats.shares = own->int_at("nominalConcurrencyShares", level.is_exempt ? 0 : 30);
  level.seats.lendable_percent = own->int_at("lendablePercent");
  level.seats.borrowing_limit_percent = own->int_at("borrowingLimitPercent", -1);
  if (level.is_exempt || text_at(*own, {"limitResponse", "type"}) != "Queue") return level;
  const Value* queuing = own->find_path({"limitResponse", "queuing"});
  const auto number = [&](std::string_view name, std::int64_t fallback) {
    return static_cast<std::uint32_t>(queuing == nullptr ? fallback
                                                         : queuing->int_at(name, fallback));
  };
  level.queuing.queues = number("queues", 64);
  level.queuing.hand_size = number("handSize", 8);
  level.queuing.queue_length = number("queueLengthLimit", 50);
  return level;
}

void sort_flow_schemas(std::vector<FlowSchema>& schemas) {
  std::sort(schemas.begin(), schemas.end(), [](const FlowSchema& a, const FlowSchema& b) {
    return std::tie(a.precedence, a.name) < std::tie(b.precedence, b.name);
  });
}

}  // namespace pinnace::apiserver::fairness
