#include "apiserver/admission/matching.h"

#include <algorithm>

#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/request_view.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kGroup = "admissionregistration.k8s.io/";

std::vector<std::string> texts_of(const api::Value& rule, std::string_view key) {
  std::vector<std::string> out;
  for (const auto& item : items_at(&rule, key)) {
    if (item.is_string()) out.emplace_back(item.as_string());
  }
  return out;
}

unsigned operation_bit(std::string_view name) {
  return name == "*"         ? kAnyOperation
         : name == "CREATE"  ? kCreates
         : name == "UPDATE"  ? kUpdates
         : name == "DELETE"  ? kDeletes
         : name == "CONNECT" ? kConnects
                             : 0;
}

bool lists(const std::vector<std::string>& all, std::string_view wanted) {
  return std::ranges::any_of(all,
                             [&](const std::string& one) { return one == "*" || one == wanted; });
}

// "pods", "pods/status", "pods/*", "*", "*/*"
bool names_resource(const std::string& rule, std::string_view resource,
                    std::string_view subresource) {
  const auto slash = rule.find('/');
  const std::string_view own = std::string_view(rule).substr(0, slash);
  const std::string_view sub =
      slash == std::string::npos ? "" : std::string_view(rule).substr(slash + 1);
  return (own == "*" || own == resource) && (sub == "*" || sub == subresource);
}

bool is_in_scope(const MatchRule& rule, const AdmissionRequest& request) {
  if (rule.scope.empty() || rule.scope == "*") return true;
  const bool is_namespaced = request.change.storage.namespaced;
  return is_namespaced == (rule.scope == "Namespaced");
}

bool matches_version(const MatchRule& rule, const AdmissionRequest& request,
                     const api::ResourceInfo& version) {
  const Change& change = request.change;
  return lists(rule.groups, version.group) && lists(rule.versions, version.version) &&
         std::ranges::any_of(rule.resources, [&](const std::string& one) {
           return names_resource(one, version.name, change.subresource);
         });
}

bool matches_rest(const MatchRule& rule, const AdmissionRequest& request) {
  return (rule.operations & static_cast<unsigned>(request.operation)) != 0 &&
         is_in_scope(rule, request) &&
         (rule.names.empty() ||
          std::ranges::find(rule.names, request.change.name) != rule.names.end());
}

// The version that a rule names: that of the request if it can be.
const api::ResourceInfo* match_rules(const std::vector<MatchRule>& rules, bool is_exact,
                                     RequestView& view) {
  const AdmissionRequest& request = view.request();
  const api::ResourceInfo& asked = *request.change.call.resource;
  for (const MatchRule& rule : rules) {
    if (matches_rest(rule, request) && matches_version(rule, request, asked)) return &asked;
  }
  if (is_exact) return nullptr;
  for (const MatchRule& rule : rules) {
    if (!matches_rest(rule, request)) continue;
    for (const api::ResourceInfo* other : view.equivalents()) {
      if (matches_version(rule, request, *other)) return other;
    }
  }
  return nullptr;
}

Result<bool> is_namespace_selected(const api::LabelSelector& selector, RequestView& view) {
  if (selector.matches_everything()) return true;
  const AdmissionRequest& request = view.request();
  if (request.resource() == "namespaces") {
    // What a subresource or a deletion would make of its labels does not count.
    const bool changes = request.change.subresource.empty() && request.object != nullptr;
    const api::Value* object = changes || request.old == nullptr ? request.object : request.old;
    return selector.matches(object->find_path({"metadata", "labels"}));
  }
  if (!request.change.storage.namespaced) return true;
  const api::Value* ns = view.namespace_object();
  if (ns == nullptr) return errors::not_found("namespaces", request.change.ns);
  return selector.matches(ns->find_path({"metadata", "labels"}));
}

bool is_object_selected(const api::LabelSelector& selector, const AdmissionRequest& request) {
  if (selector.matches_everything()) return true;
  const auto matches = [&](const api::Value* object) {
    return object != nullptr && object->find("metadata") != nullptr &&
           selector.matches(object->find_path({"metadata", "labels"}));
  };
  return matches(request.object) || matches(request.old);
}

Result<api::LabelSelector> selector_at(const api::Value& from, std::string_view key) {
  const auto* selector = from.find(key);
  if (selector == nullptr || selector->is_null()) return api::LabelSelector();
  return api::label_selector_of(selector);
}

}  // namespace

std::vector<MatchRule> parse_match_rules(const api::Value* rules) {
  std::vector<MatchRule> out;
  if (rules == nullptr || !rules->is_array()) return out;
  for (const auto& rule : rules->items()) {
    MatchRule& made = out.emplace_back();
    for (const auto& operation : items_at(&rule, "operations")) {
      if (operation.is_string()) made.operations |= operation_bit(operation.as_string());
    }
    made.groups = texts_of(rule, "apiGroups");
    made.versions = texts_of(rule, "apiVersions");
    made.resources = texts_of(rule, "resources");
    made.names = texts_of(rule, "resourceNames");
    made.scope = rule.string_at("scope");
  }
  return out;
}

Result<MatchConstraints> parse_match_constraints(const api::Value& from,
                                                 std::string_view rules_field) {
  MatchConstraints out;
  out.rules = parse_match_rules(from.find(rules_field));
  out.excluded = parse_match_rules(from.find("excludeResourceRules"));
  out.is_exact = from.string_at("matchPolicy") == "Exact";
  auto namespaces = selector_at(from, "namespaceSelector");
  if (!namespaces) return std::unexpected(std::move(namespaces.error()));
  auto objects = selector_at(from, "objectSelector");
  if (!objects) return std::unexpected(std::move(objects.error()));
  out.namespaces = std::move(*namespaces);
  out.objects = std::move(*objects);
  return out;
}

Result<const api::ResourceInfo*> find_match(const MatchConstraints& constraints,
                                            RequestView& view) {
  if (match_rules(constraints.excluded, constraints.is_exact, view) != nullptr) return nullptr;
  const auto* version = match_rules(constraints.rules, constraints.is_exact, view);
  if (version == nullptr) return nullptr;
  if (!is_object_selected(constraints.objects, view.request())) return nullptr;
  const auto selected = is_namespace_selected(constraints.namespaces, view);
  if (!selected) return std::unexpected(selected.error());
  return *selected ? version : nullptr;
}

bool is_admission_configuration(const AdmissionRequest& request) {
  return request.resource().starts_with(kGroup);
}

}  // namespace pinnace::apiserver
