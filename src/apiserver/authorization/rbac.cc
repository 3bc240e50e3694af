#include "apiserver/authorization/rbac.h"

#include <algorithm>

#include "api/json.h"
#include "base/log.h"

namespace pinnace::apiserver {
namespace {

constexpr const char* kResources[] = {
    "rbac.authorization.k8s.io/clusterroles", "rbac.authorization.k8s.io/clusterrolebindings",
    "rbac.authorization.k8s.io/roles", "rbac.authorization.k8s.io/rolebindings"};

bool has(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

bool has_or_star(const std::vector<std::string>& list, std::string_view wanted) {
  return has(list, "*") || has(list, wanted);
}

bool url_matches(const std::vector<std::string>& urls, std::string_view path) {
  for (const std::string_view url : urls) {
    if (url == "*" || url == path) return true;
    if (url.ends_with('*') && path.starts_with(url.substr(0, url.size() - 1))) return true;
  }
  return false;
}

std::vector<std::string> texts(const api::Value* list) {
  std::vector<std::string> out;
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& item : list->items()) {
    if (item.is_string()) out.emplace_back(item.as_string());
  }
  return out;
}

}  // namespace

bool Rule::allows(const Attributes& wanted) const {
  if (!has_or_star(verbs, wanted.verb)) return false;
  if (!wanted.is_resource) return url_matches(urls, wanted.path);
  if (!has_or_star(groups, wanted.group)) return false;
  const bool names_resource =
      wanted.subresource.empty()
          ? has_or_star(resources, wanted.resource)
          : has_or_star(resources, wanted.resource + "/" + wanted.subresource) ||
                has(resources, "*/" + wanted.subresource);
  if (!names_resource) return false;
  return names.empty() || (!wanted.name.empty() && has(names, wanted.name));
}

std::vector<Rule> parse_rules(const api::Value* rules) {
  std::vector<Rule> out;
  if (rules == nullptr || !rules->is_array()) return out;
  for (const auto& item : rules->items()) {
    out.push_back({texts(item.find("verbs")), texts(item.find("apiGroups")),
                   texts(item.find("resources")), texts(item.find("resourceNames")),
                   texts(item.find("nonResourceURLs"))});
  }
  return out;
}

struct Rbac::Feed {
  std::string resource;
  std::unique_ptr<store::Watcher> watcher;
};

Rbac::Rbac(store::Store& store) : store_(store) {
  for (const char* resource : kResources) {
    feeds_.push_back(std::make_unique<Feed>());
    feeds_.back()->resource = resource;
  }
}

Rbac::~Rbac() = default;

void Rbac::reload(Feed& feed) {
  const bool are_roles = feed.resource.ends_with("roles");
  const bool cluster = feed.resource.find("/cluster") != std::string::npos;
  const auto is_of_feed = [&](const auto& entry) {
    return entry.first.starts_with('/') == cluster;
  };
  if (are_roles)
    std::erase_if(roles_, is_of_feed);
  else
    std::erase_if(bindings_, is_of_feed);
  auto snapshot = store_.list(feed.resource, "");
  if (!snapshot) return;
  for (const auto& object : snapshot->objects) apply(feed.resource, *object, false);
  auto watcher = store_.watch(feed.resource, "", snapshot->revision, [this] { stale_ = true; });
  if (watcher) feed.watcher = std::move(*watcher);
}

void Rbac::apply(const std::string& resource, const store::Object& object, bool deleted) {
  const std::string key = object.key.ns + "/" + object.key.name;
  const bool is_role = resource.ends_with("roles");
  if (deleted) {
    if (is_role)
      roles_.erase(key);
    else
      bindings_.erase(key);
    return;
  }
  api::Arena arena;
  const auto parsed = api::parse_json(arena, object.json);
  if (!parsed) return;
  if (is_role) {
    Role role{parse_rules(parsed->find("rules")), {}, {}};
    if (const auto* labels = parsed->find_path({"metadata", "labels"})) {
      for (const auto& [label, value] : labels->members()) {
        if (value.is_string()) role.labels[std::string(label)] = value.as_string();
      }
    }
    if (const auto* selectors = parsed->find_path({"aggregationRule", "clusterRoleSelectors"})) {
      for (const auto& selector : selectors->items()) {
        std::map<std::string, std::string> wanted;
        if (const auto* match = selector.find("matchLabels")) {
          for (const auto& [label, value] : match->members()) {
            if (value.is_string()) wanted[std::string(label)] = value.as_string();
          }
        }
        if (!wanted.empty()) role.aggregates.push_back(std::move(wanted));
      }
    }
    roles_[key] = std::move(role);
    return;
  }
  Binding binding;
  binding.ns = object.key.ns;
  if (const auto* reference = parsed->find("roleRef")) {
    binding.role = reference->string_at("name");
    if (reference->string_at("kind") == "Role") binding.role_ns = object.key.ns;
  }
  if (const auto* subjects = parsed->find("subjects"); subjects && subjects->is_array()) {
    for (const auto& subject : subjects->items()) {
      const std::string_view kind = subject.string_at("kind");
      const std::string name(subject.string_at("name"));
      if (kind == "User") binding.subjects.push_back("U:" + name);
      if (kind == "Group") binding.subjects.push_back("G:" + name);
      if (kind == "ServiceAccount") {
        std::string ns(subject.string_at("namespace"));
        if (ns.empty()) ns = object.key.ns;
        binding.subjects.push_back(std::string("U:") + kServiceAccountPrefix + ns + ":" + name);
      }
    }
  }
  bindings_[key] = std::move(binding);
}

void Rbac::rebuild_index() {
  by_subject_.clear();
  for (const auto& [key, binding] : bindings_) {
    for (const auto& subject : binding.subjects) by_subject_[subject].push_back(&binding);
  }
}

void Rbac::refresh() {
  if (!stale_.load()) return;
  const std::unique_lock lock(mutex_);
  if (!stale_.exchange(false)) return;
  for (auto& feed : feeds_) {
    if (!feed->watcher) {
      reload(*feed);
      continue;
    }
    std::vector<store::Event> events;
    if (!feed->watcher->next(events, SIZE_MAX)) {
      reload(*feed);
      continue;
    }
    for (const auto& event : events) {
      apply(feed->resource, *event.object, event.type == store::Event::Type::kDeleted);
    }
  }
  rebuild_index();
}

template <typename Visit>
bool Rbac::visit_role(const Binding& binding, Visit& visit) const {
  const auto found = roles_.find(binding.role_ns + "/" + binding.role);
  if (found == roles_.end()) return false;
  for (const Rule& rule : found->second.rules) {
    if (visit(rule)) return true;
  }
  for (const auto& wanted : found->second.aggregates) {
    for (const auto& [key, role] : roles_) {
      if (!key.starts_with('/')) break;  // '/' sorts before every namespace's first character
      const bool matches = std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
        const auto own = role.labels.find(label.first);
        return own != role.labels.end() && own->second == label.second;
      });
      if (!matches || &role == &found->second) continue;
      for (const Rule& rule : role.rules) {
        if (visit(rule)) return true;
      }
    }
  }
  return false;
}

template <typename Visit>
void Rbac::visit_rules(const User& user, const std::string& ns, Visit visit) {
  refresh();
  const std::shared_lock lock(mutex_);
  const auto of_subject = [&](const std::string& subject) {
    const auto found = by_subject_.find(subject);
    if (found == by_subject_.end()) return false;
    for (const Binding* binding : found->second) {
      if (!binding->ns.empty() && binding->ns != ns) continue;
      if (visit_role(*binding, visit)) return true;
    }
    return false;
  };
  if (of_subject("U:" + user.name)) return;
  for (const auto& group : user.groups) {
    if (of_subject("G:" + group)) return;
  }
}

bool Rbac::allows(const User& user, const Attributes& wanted) {
  if (user.in_group(kMasters)) return true;
  bool allowed = false;
  visit_rules(user, wanted.ns, [&](const Rule& rule) { return allowed = rule.allows(wanted); });
  return allowed;
}

std::vector<Rule> Rbac::rules_for(const User& user, const std::string& ns) {
  if (user.in_group(kMasters)) {
    return {{{"*"}, {"*"}, {"*"}, {}, {}}, {{"*"}, {}, {}, {}, {"*"}}};
  }
  std::vector<Rule> rules;
  visit_rules(user, ns, [&](const Rule& rule) {
    rules.push_back(rule);
    return false;
  });
  return rules;
}

namespace {

std::string forbidden_why(const User& user, const Attributes& wanted) {
  std::string text = "User \"" + user.name + "\" cannot " + wanted.verb;
  if (!wanted.is_resource) return text + " path \"" + wanted.path + "\"";
  text += " resource \"" + wanted.resource +
          (wanted.subresource.empty() ? "" : "/" + wanted.subresource) + "\" in API group \"" +
          wanted.group + "\"";
  if (wanted.ns.empty() || wanted.resource == "namespaces") return text + " at the cluster scope";
  return text + " in the namespace \"" + wanted.ns + "\"";
}

}  // namespace

Error forbidden_error(const User& user, const Attributes& wanted) {
  std::string resource = wanted.resource;
  if (!wanted.group.empty()) resource += "." + wanted.group;
  const std::string why = forbidden_why(user, wanted);
  if (!wanted.is_resource) {
    Error error = errors::forbidden("", "", why).error();
    error.message = "forbidden: " + why;
    return error;
  }
  Error error = errors::forbidden(resource, wanted.name, why).error();
  if (wanted.name.empty()) error.message = resource + " is forbidden: " + why;
  return error;
}

}  // namespace pinnace::apiserver
