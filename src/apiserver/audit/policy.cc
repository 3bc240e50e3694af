#include "apiserver/audit/policy.h"

#include <algorithm>
#include <span>

#include "api/field_path.h"
#include "api/json.h"
#include "api/yaml.h"

namespace pinnace::apiserver::audit {

namespace {

using api::FieldPath;
using api::Value;
using Strings = std::vector<std::string>;
using Causes = std::vector<Cause>;

constexpr std::string_view kLevels[] = {"None", "Metadata", "Request", "RequestResponse"};
constexpr std::string_view kStages[] = {"RequestReceived", "ResponseStarted", "ResponseComplete",
                                        "Panic"};

bool has(const Strings& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// "pods", "pods/log", "*", "*/status" and "pods/*".
bool matches_resource(std::string_view pattern, const RequestInfo& info) {
  if (pattern == "*") return true;
  const auto slash = pattern.find('/');
  if (slash == std::string_view::npos) {
    return info.subresource.empty() && pattern == info.resource;
  }
  const std::string_view resource = pattern.substr(0, slash), below = pattern.substr(slash + 1);
  if (below == "*") return resource == info.resource;
  if (info.subresource.empty() || below != info.subresource) return false;
  return resource == "*" || resource == info.resource;
}

bool matches_any(const std::vector<Policy::Resources>& list, const RequestInfo& info) {
  return std::any_of(list.begin(), list.end(), [&](const Policy::Resources& each) {
    if (each.group != info.group) return false;
    if (each.resources.empty()) return true;
    if (!each.names.empty() && !has(each.names, info.name)) return false;
    return std::any_of(each.resources.begin(), each.resources.end(),
                       [&](const std::string& one) { return matches_resource(one, info); });
  });
}

bool matches_url(std::string_view pattern, std::string_view path) {
  if (pattern == "*" || pattern == path) return true;
  return pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool matches(const Policy::Rule& rule, const User& user, const RequestInfo& info) {
  if (!rule.users.empty() && !has(rule.users, user.name)) return false;
  if (!rule.groups.empty() &&
      std::none_of(rule.groups.begin(), rule.groups.end(),
                   [&](const std::string& group) { return user.in_group(group); })) {
    return false;
  }
  if (!rule.verbs.empty() && !has(rule.verbs, info.verb)) return false;
  if (!rule.namespaces.empty() || !rule.resources.empty()) {
    if (!info.is_resource) return false;
    if (!rule.namespaces.empty() && !has(rule.namespaces, info.ns)) return false;
    return rule.resources.empty() || matches_any(rule.resources, info);
  }
  if (rule.urls.empty()) return true;
  return !info.is_resource &&
         std::any_of(rule.urls.begin(), rule.urls.end(),
                     [&](const std::string& url) { return matches_url(url, info.path); });
}

std::string quoted(std::string_view text) {
  std::string out;
  api::write_json_string(out, text);
  return out;
}

// False: it is no object, and nothing can be read from it.
bool check_members(const Value& object, std::span<const std::string_view> known,
                   const FieldPath& path, Causes& causes) {
  if (!object.is_object()) {
    causes.push_back(
        cause::type_invalid(path.text(), api::to_json_text(object), "must be an object"));
    return false;
  }
  for (const auto& [name, value] : object.members()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    causes.push_back(cause::forbidden(path.child(name).text(), "unknown field"));
  }
  return true;
}

// The list of this name; null, with a cause if need be, where there is none.
const Value* list_at(const Value& object, std::string_view name, std::string_view what,
                     const FieldPath& path, Causes& causes) {
  const Value* list = object.find(name);
  if (list == nullptr || list->is_null()) return nullptr;
  if (list->is_array()) return list;
  causes.push_back(cause::type_invalid(path.child(name).text(), api::to_json_text(*list),
                                       "must be a list of " + std::string(what)));
  return nullptr;
}

Strings strings_at(const Value& object, std::string_view name, const FieldPath& path,
                   Causes& causes) {
  Strings out;
  const Value* list = list_at(object, name, "strings", path, causes);
  if (list == nullptr) return out;
  for (const Value& item : list->items()) {
    if (item.is_string()) {
      out.emplace_back(item.as_string());
    } else {
      causes.push_back(cause::type_invalid(path.child(name).text(), api::to_json_text(item),
                                           "must be a string"));
    }
  }
  return out;
}

std::uint8_t read_stages(const Value& object, const FieldPath& path, Causes& causes) {
  static const Strings kSorted = {"Panic", "RequestReceived", "ResponseComplete",
                                  "ResponseStarted"};
  std::uint8_t stages = 0;
  std::size_t index = 0;
  for (const auto& text : strings_at(object, "omitStages", path, causes)) {
    const auto found = std::find(std::begin(kStages), std::end(kStages), text);
    if (found == std::end(kStages)) {
      causes.push_back(cause::not_supported(path.child("omitStages").index(index).text(),
                                            quoted(text), kSorted));
    } else {
      stages |= static_cast<std::uint8_t>(1u << (found - std::begin(kStages)));
    }
    ++index;
  }
  return stages;
}

Level read_level(const Value& object, const FieldPath& path, Causes& causes) {
  const std::string_view text = object.string_at("level");
  const auto found = std::find(std::begin(kLevels), std::end(kLevels), text);
  if (found != std::end(kLevels)) return static_cast<Level>(found - std::begin(kLevels));
  const std::string field = path.child("level").text();
  causes.push_back(text.empty() ? cause::required(field)
                                : cause::not_supported(field, quoted(text),
                                                       {kLevels, kLevels + std::size(kLevels)}));
  return Level::kNone;
}

void check_urls(const Policy::Rule& rule, const FieldPath& path, Causes& causes) {
  const FieldPath field = path.child("nonResourceURLs");
  if (!rule.urls.empty() && (!rule.resources.empty() || !rule.namespaces.empty())) {
    causes.push_back(
        cause::invalid(field.text(), quoted(rule.urls.front()),
                       "rules cannot apply to both regular resources and non-resource URLs"));
  }
  for (std::size_t i = 0; i < rule.urls.size(); ++i) {
    const std::string_view url = rule.urls[i];
    if (url == "*") continue;
    if (!url.starts_with('/')) {
      causes.push_back(cause::invalid(field.index(i).text(), quoted(url),
                                      "non-resource URL rules must begin with a '/' character"));
    }
    if (!url.empty() && url.substr(0, url.size() - 1).find('*') != std::string_view::npos) {
      causes.push_back(
          cause::invalid(field.index(i).text(), quoted(url),
                         "non-resource URL wildcards '*' must be the final character of the rule"));
    }
  }
}

void read_resources(const Value& object, const FieldPath& path, Policy::Rule& rule,
                    Causes& causes) {
  static constexpr std::string_view kKnown[] = {"group", "resources", "resourceNames"};
  const Value* list = list_at(object, "resources", "resources", path, causes);
  if (list == nullptr) return;
  std::size_t index = 0;
  for (const Value& entry : list->items()) {
    const FieldPath at = path.child("resources").index(index++);
    if (!check_members(entry, kKnown, at, causes)) continue;
    Policy::Resources resources{std::string(entry.string_at("group")),
                                strings_at(entry, "resources", at, causes),
                                strings_at(entry, "resourceNames", at, causes)};
    if (resources.resources.empty() && !resources.names.empty()) {
      causes.push_back(cause::invalid(at.child("resourceNames").text(),
                                      quoted(resources.names.front()),
                                      "using resourceNames requires at least one resource"));
    }
    rule.resources.push_back(std::move(resources));
  }
}

Policy::Rule read_rule(const Value& from, const FieldPath& path, const Verdict& common,
                       Causes& causes) {
  static constexpr std::string_view kKnown[] = {
      "level",           "users",      "userGroups",       "verbs", "resources", "namespaces",
      "nonResourceURLs", "omitStages", "omitManagedFields"};
  if (!check_members(from, kKnown, path, causes)) return {};
  Policy::Rule rule;
  rule.verdict.level = read_level(from, path, causes);
  rule.verdict.omitted_stages =
      static_cast<std::uint8_t>(common.omitted_stages | read_stages(from, path, causes));
  rule.verdict.omits_managed_fields =
      from.bool_at("omitManagedFields", common.omits_managed_fields);
  rule.users = strings_at(from, "users", path, causes);
  rule.groups = strings_at(from, "userGroups", path, causes);
  rule.verbs = strings_at(from, "verbs", path, causes);
  rule.namespaces = strings_at(from, "namespaces", path, causes);
  rule.urls = strings_at(from, "nonResourceURLs", path, causes);
  read_resources(from, path, rule, causes);
  check_urls(rule, path, causes);
  return rule;
}

}  // namespace

std::string_view text_of(Level level) { return kLevels[static_cast<std::size_t>(level)]; }
std::string_view text_of(Stage stage) { return kStages[static_cast<std::size_t>(stage)]; }

Verdict Policy::evaluate(const User& user, const RequestInfo& info) const {
  for (const Rule& rule : rules) {
    if (matches(rule, user, info)) return rule.verdict;
  }
  return {};
}

Result<Policy> parse_policy(std::string_view text) {
  static constexpr std::string_view kKnown[] = {"apiVersion", "kind",       "metadata",
                                                "rules",      "omitStages", "omitManagedFields"};
  if (text.size() > kMaxPolicyBytes) return errors::bad_request("the audit policy is too long");
  api::Arena arena;
  auto root = api::parse_yaml(arena, text);
  if (!root) return std::unexpected(std::move(root.error()));
  if (root->string_at("kind") != "Policy" || root->string_at("apiVersion") != "audit.k8s.io/v1") {
    return errors::bad_request("an audit policy is a Policy of audit.k8s.io/v1, not \"" +
                               std::string(root->string_at("kind")) + "\" of \"" +
                               std::string(root->string_at("apiVersion")) + '"');
  }
  Causes causes;
  check_members(*root, kKnown, FieldPath(), causes);
  Verdict common;
  common.omitted_stages = read_stages(*root, FieldPath(), causes);
  common.omits_managed_fields = root->bool_at("omitManagedFields");
  const Value* rules = list_at(*root, "rules", "rules", FieldPath(), causes);
  if (causes.empty() && (rules == nullptr || rules->empty())) {
    return errors::bad_request("loaded illegal policy with 0 rules");
  }
  Policy policy;
  std::size_t index = 0;
  for (const Value& rule : rules != nullptr ? rules->items() : std::span<const Value>()) {
    policy.rules.push_back(read_rule(rule, FieldPath("rules").index(index++), common, causes));
  }
  if (causes.empty()) return policy;
  return errors::invalid("Policy", "", std::move(causes));
}

}  // namespace pinnace::apiserver::audit
