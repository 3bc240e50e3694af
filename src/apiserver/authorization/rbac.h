// Rbac decides whether a user may do something, from the Role and Binding objects in the store.
//
// Why lazily: the watches only mark it as stale; the next question takes the changes in, so that an
//   idle server does nothing.
// Threads: any. Source: kubernetes.io/docs/reference/access-authn-authz/rbac.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "api/value.h"
#include "apiserver/authentication/user.h"
#include "base/error.h"
#include "store/store.h"

namespace pinnace::apiserver {

struct Attributes {
  std::string verb;
  bool is_resource = true;
  std::string group, resource, subresource, ns, name;
  std::string path;  // for non-resource URLs
};

struct Rule {
  std::vector<std::string> verbs, groups, resources, names, urls;
  bool allows(const Attributes& wanted) const;
};
// The rules of a Role's or ClusterRole's `rules`.
std::vector<Rule> parse_rules(const api::Value* rules);

class Rbac {
 public:
  explicit Rbac(store::Store& store);
  ~Rbac();

  bool allows(const User& user, const Attributes& wanted);
  // Every rule that the user has in a namespace ("" : only cluster-wide ones).
  std::vector<Rule> rules_for(const User& user, const std::string& ns);

 private:
  struct Binding {
    std::string ns;       // empty: ClusterRoleBinding
    std::string role_ns;  // of a Role; empty: ClusterRole
    std::string role;
    std::vector<std::string> subjects;  // "U:name", "G:group"
  };
  struct Role {
    std::vector<Rule> rules;
    std::map<std::string, std::string, std::less<>> labels;
    std::vector<std::map<std::string, std::string>> aggregates;  // matchLabels of each selector
  };
  struct Feed;

  void refresh();
  void reload(Feed& feed);
  void apply(const std::string& resource, const store::Object& object, bool deleted);
  void rebuild_index();
  template <typename Visit>
  void visit_rules(const User& user, const std::string& ns, Visit visit);
  template <typename Visit>
  bool visit_role(const Binding& binding, Visit& visit) const;

  store::Store& store_;
  std::atomic<bool> stale_{true};
  std::shared_mutex mutex_;
  std::vector<std::unique_ptr<Feed>> feeds_;
  std::map<std::string, Role> roles_;        // "ns/name", ClusterRole "/name"
  std::map<std::string, Binding> bindings_;  // the same
  std::map<std::string, std::vector<const Binding*>, std::less<>> by_subject_;
};

// 403 in the words that clients know: who cannot do what, where.
Error forbidden_error(const User& user, const Attributes& wanted);

}  // namespace pinnace::apiserver
