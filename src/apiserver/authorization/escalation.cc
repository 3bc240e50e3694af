#include "apiserver/authorization/escalation.h"

#include <set>

#include "api/json.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

std::string quoted_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const auto& text : texts) (out += &text == texts.data() ? "" : " ") += quoted(text);
  return out + "]";
}

// "" when the caller has all of `rules` in the namespace, else what he has not.
std::string what_is_missing(Change& change, const std::vector<Rule>& rules) {
  RuleSet owned;
  change.backend.rbac.list_rules(change.call.user, change.ns, owned);
  const std::vector<Rule> missing = missing_rules(owned.rules, rules);
  if (missing.empty()) return "";
  const User& user = change.call.user;
  std::set<std::string> lines;
  for (const Rule& rule : missing) lines.insert(rule.text());
  std::string text = "user " + quoted(user.name) + " (groups=" + quoted_list(user.groups) +
                     ") is attempting to grant RBAC permissions not currently held:";
  for (const auto& line : lines) (text += '\n') += line;
  if (!owned.errors.empty()) {
    text += "; resolution errors: [" + aggregate_text(owned.errors) + "]";
  }
  return text;
}

Unexpected refuse(const Change& change, std::string_view why) {
  return errors::forbidden(resource_text(change.storage), change.name, why);
}

bool may(Change& change, const char* verb, std::string_view resource, std::string_view name) {
  Attributes wanted{verb,
                    true,
                    std::string(kGroup),
                    std::string(resource),
                    "",
                    change.ns,
                    std::string(name),
                    "",
                    "*",
                    {},
                    {}};
  return change.backend.authorization->allows(change.call.user, wanted);
}

// Whether nothing changes but what the garbage collector must be able to change.
bool only_lets_go(Change& change, const api::Value& object, const api::Value* old) {
  if (old == nullptr) return false;
  const auto rest = [&](const api::Value& from) {
    api::Value copy = api::deep_copy(change.arena, from);
    if (api::Value* meta = copy.find("metadata")) {
      for (const char* member :
           {"ownerReferences", "finalizers", "managedFields", "resourceVersion", "generation"}) {
        meta->erase(member);
      }
    }
    return copy;
  };
  return api::equal(rest(object), rest(*old));
}

}  // namespace

Result<void> check_role_escalation(Change& change, const api::Value& role, const api::Value* old) {
  if (change.call.user.in_group(kMasters)) return {};
  if (only_lets_go(change, role, old)) return {};
  // As the URL names it: who may escalate one role by name may not make it.
  if (may(change, "escalate", change.storage.name, change.call.info.name)) return {};
  if (auto why = what_is_missing(change, parse_rules(role.find("rules"))); !why.empty()) {
    return refuse(change, why);
  }
  const bool gathers = role.find("aggregationRule") != nullptr ||
                       (old != nullptr && old->find("aggregationRule") != nullptr);
  // What it will gather nobody knows yet.
  const std::vector<Rule> everything = {{{"*"}, {"*"}, {"*"}, {}, {}}, {{"*"}, {}, {}, {}, {"*"}}};
  if (gathers && !what_is_missing(change, everything).empty()) {
    return refuse(change, "must have cluster-admin privileges to use the aggregationRule");
  }
  return {};
}

Result<void> check_binding_escalation(Change& change, const api::Value& binding,
                                      const api::Value* old) {
  const auto* reference = binding.find("roleRef");
  if (change.call.user.in_group(kMasters) || reference == nullptr) return {};
  if (only_lets_go(change, binding, old)) return {};
  const std::string_view kind = reference->string_at("kind");
  const std::string name(reference->string_at("name"));
  if (may(change, "bind", kind == "Role" ? "roles" : "clusterroles", name)) return {};
  auto rules = change.backend.rbac.rules_of(kind, change.ns, name);
  if (!rules) return std::unexpected(std::move(rules.error()));
  if (auto why = what_is_missing(change, *rules); !why.empty()) return refuse(change, why);
  return {};
}

}  // namespace pinnace::apiserver
