// Rbac decides whether a user may do something, from the Role and Binding objects in the store.
//
// Why lazily: the watches only mark it as stale; the next question takes the changes in, so that an
//   idle server does nothing.
// Threads: any. Bounds: what the store has of roles and bindings.
// Source: kubernetes.io/docs/reference/access-authn-authz/rbac.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "apiserver/authorization/authorizer.h"
#include "base/error.h"
#include "store/follower.h"

namespace pinnace::apiserver {

class Rbac final : public Authorizer {
 public:
  explicit Rbac(store::Store& store);

  std::optional<Decision> decide(const User& user, const Attributes& wanted, bool explain) override;
  // Of a namespace with the cluster-wide ones; "": only those.
  void list_rules(const User& user, const std::string& ns, RuleSet& out) override;
  // What the role of a binding's roleRef gives; 404 without it.
  Result<std::vector<Rule>> rules_of(std::string_view kind, const std::string& ns,
                                     const std::string& name);

 private:
  struct Subject {
    bool is_group = false;
    std::string name;  // Of a service account: its user name.
    std::string text;  // As a reason shows it.
  };
  struct Binding {
    std::string name, ns;  // Without a namespace: a ClusterRoleBinding.
    bool is_cluster_role = true;
    std::string role;
    std::vector<Subject> subjects;
  };
  // A binding as one of its subjects sees it.
  struct Grant {
    const Binding* binding;
    const Subject* subject;
  };
  using Grants = std::unordered_map<std::string, std::vector<Grant>>;

  void refresh();
  void begin_again(const std::string& resource, const store::Snapshot& snapshot);
  void apply(const std::string& resource, const store::Object& object, bool deleted);
  void rebuild_index();
  const std::vector<Rule>* find_role(const Binding& binding) const;
  static std::string missing_text(const Binding& binding);
  static std::string reason(const Grant& grant);
  // `visit(grant)` for each binding of the user that counts in the namespace, until it says true.
  template <typename Visit>
  void visit_grants(const User& user, const std::string& ns, Visit visit) const;

  std::atomic<bool> stale_{true};
  std::shared_mutex mutex_;
  std::map<std::string, std::vector<Rule>> roles_;  // "ns/name", ClusterRole "/name"
  std::map<std::string, Binding> bindings_;         // The same.
  Grants of_users_, of_groups_;
  std::vector<std::unique_ptr<store::Follower>> followers_;  // The first to go: they set stale_.
};

}  // namespace pinnace::apiserver
