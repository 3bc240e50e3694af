#include "apiserver/authorization/rbac.h"

#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

constexpr const char* kResources[] = {
    "rbac.authorization.k8s.io/clusterroles", "rbac.authorization.k8s.io/clusterrolebindings",
    "rbac.authorization.k8s.io/roles", "rbac.authorization.k8s.io/rolebindings"};

}  // namespace

Rbac::Rbac(store::Store& store) {
  for (const char* resource : kResources) {
    followers_.push_back(
        std::make_unique<store::Follower>(store, resource, [this] { stale_ = true; }));
  }
}

void Rbac::begin_again(const std::string& resource, const store::Snapshot& snapshot) {
  const bool cluster = resource.find("/cluster") != std::string::npos;
  const auto is_of_resource = [&](const auto& entry) {
    return entry.first.starts_with('/') == cluster;
  };
  if (resource.ends_with("roles"))
    std::erase_if(roles_, is_of_resource);
  else
    std::erase_if(bindings_, is_of_resource);
  for (const auto& object : snapshot.objects) apply(resource, *object, false);
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
  const auto parsed = parse_stored(arena, object);
  if (!parsed) return;
  if (is_role) {
    roles_[key] = parse_rules(parsed->find("rules"));
    return;
  }
  Binding binding{object.key.name, object.key.ns, true, "", {}};
  if (const auto* reference = parsed->find("roleRef")) {
    binding.is_cluster_role = reference->string_at("kind") != "Role";
    binding.role = reference->string_at("name");
  }
  const auto* subjects = parsed->find("subjects");
  if (subjects != nullptr && subjects->is_array()) {
    for (const auto& subject : subjects->items()) {
      const std::string_view kind = subject.string_at("kind");
      std::string name(subject.string_at("name"));
      std::string text = std::string(kind) + " " + quoted(name);
      if (kind == "ServiceAccount") {
        std::string ns(subject.string_at("namespace"));
        if (ns.empty()) ns = object.key.ns;
        text = "ServiceAccount " + quoted(name + "/" + ns);
        name = kServiceAccountPrefix + ns + ":" + name;
      } else if (kind != "User" && kind != "Group") {
        continue;
      }
      binding.subjects.push_back({kind == "Group", std::move(name), std::move(text)});
    }
  }
  bindings_[key] = std::move(binding);
}

void Rbac::rebuild_index() {
  of_users_.clear();
  of_groups_.clear();
  for (const auto& [key, binding] : bindings_) {
    for (const auto& subject : binding.subjects) {
      (subject.is_group ? of_groups_ : of_users_)[subject.name].push_back({&binding, &subject});
    }
  }
}

void Rbac::refresh() {
  if (!stale_.load()) return;
  const std::unique_lock lock(mutex_);
  if (!stale_.exchange(false)) return;
  for (const auto& follower : followers_) {
    const std::string& resource = follower->resource();
    const bool is_current = follower->catch_up(
        [&](const store::Snapshot& snapshot) { begin_again(resource, snapshot); },
        [&](const store::Event& event) {
          apply(resource, *event.object, event.type == store::Event::Type::kDeleted);
        });
    if (!is_current) stale_ = true;
  }
  rebuild_index();
}

const std::vector<Rule>* Rbac::find_role(const Binding& binding) const {
  const auto found = roles_.find((binding.is_cluster_role ? "" : binding.ns) + "/" + binding.role);
  return found == roles_.end() ? nullptr : &found->second;
}

std::string Rbac::missing_text(const Binding& binding) {
  return std::string(binding.is_cluster_role ? "clusterrole" : "role") +
         ".rbac.authorization.k8s.io " + quoted(binding.role) + " not found";
}

std::string Rbac::reason(const Grant& grant) {
  const Binding& binding = *grant.binding;
  const bool is_local = !binding.ns.empty();
  return std::string("RBAC: allowed by ") +
         (is_local ? "RoleBinding " + quoted(binding.name + "/" + binding.ns)
                   : "ClusterRoleBinding " + quoted(binding.name)) +
         " of " + (binding.is_cluster_role ? "ClusterRole " : "Role ") + quoted(binding.role) +
         " to " + grant.subject->text;
}

template <typename Visit>
void Rbac::visit_grants(const User& user, const std::string& ns, Visit visit) const {
  const auto visit_all = [&](const Grants& index, const std::string& name) {
    const auto found = index.find(name);
    if (found == index.end()) return false;
    for (const Grant& grant : found->second) {
      const std::string& where = grant.binding->ns;
      if ((where.empty() || where == ns) && visit(grant)) return true;
    }
    return false;
  };
  if (visit_all(of_users_, user.name)) return;
  for (const auto& group : user.groups) {
    if (visit_all(of_groups_, group)) return;
  }
}

std::optional<Decision> Rbac::decide(const User& user, const Attributes& wanted, bool explain) {
  refresh();
  const std::shared_lock lock(mutex_);
  Decision decision;
  std::vector<std::string> missing;
  visit_grants(user, wanted.ns, [&](const Grant& grant) {
    const auto* rules = find_role(*grant.binding);
    if (rules == nullptr) {
      missing.push_back(missing_text(*grant.binding));
      return false;
    }
    for (const Rule& rule : *rules) {
      if (!rule.allows(wanted)) continue;
      decision.verdict = Verdict::kAllow;
      if (explain) decision.reason = reason(grant);
      return true;
    }
    return false;
  });
  if (decision.verdict == Verdict::kNoOpinion && !missing.empty()) {
    decision.reason = "RBAC: " + aggregate_text(missing);
  }
  return decision;
}

void Rbac::list_rules(const User& user, const std::string& ns, RuleSet& out) {
  refresh();
  const std::shared_lock lock(mutex_);
  visit_grants(user, ns, [&](const Grant& grant) {
    if (const auto* rules = find_role(*grant.binding)) {
      out.rules.insert(out.rules.end(), rules->begin(), rules->end());
    } else {
      out.errors.push_back(missing_text(*grant.binding));
    }
    return false;
  });
}

Result<std::vector<Rule>> Rbac::rules_of(std::string_view kind, const std::string& ns,
                                         const std::string& name) {
  refresh();
  const std::shared_lock lock(mutex_);
  const auto found = roles_.find((kind == "Role" ? ns : "") + "/" + name);
  if (found != roles_.end()) return found->second;
  return errors::not_found(
      kind == "Role" ? "roles.rbac.authorization.k8s.io" : "clusterroles.rbac.authorization.k8s.io",
      name);
}

}  // namespace pinnace::apiserver
