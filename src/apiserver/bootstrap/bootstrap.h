// What a cluster has from its first second: namespaces, roles, priority classes, the Service of
// the API itself. At later starts what is missing is made again, and default roles and bindings get
// back the rules and subjects that they lack, unless an annotation says that they are left alone.
//
// Errors: whatever the store answers; a cluster without these objects does not start.
// Source: kubernetes.io/docs/reference/access-authn-authz/rbac, "Default roles and role bindings".
#pragma once

#include <span>

#include "apiserver/backend.h"

namespace pinnace::apiserver {

// Returns when all of it is durable. Before any request, not on the store's writer thread.
Result<void> bootstrap(const BackendRef& backend);

// Deletes Events an hour after they last changed. The cost is in what expires, not in what there
// is.
void start_event_expiry(const BackendRef& backend);

// One Role (with a namespace) or ClusterRole. Its rules, one a line:
//   "verbs / groups / resources" or "verbs / groups / resources / names"
//   "verbs / urls"
// Words are separated by spaces; the group without a name is written "core"; a line that begins
// with spaces goes on with the one before.
struct BootstrapRole {
  std::string_view ns;
  std::string_view name;
  std::string_view aggregate_to;  // Label rbac.authorization.k8s.io/aggregate-to-X; empty: none.
  // Gathers the rules of the roles that have the label of this X; empty: has rules of its own.
  std::string_view aggregates;
  std::string_view rules;
};
struct BootstrapBinding {
  std::string_view ns;
  std::string_view name;
  std::string_view role;      // A Role with a namespace, else a ClusterRole.
  std::string_view subjects;  // "Group:system:masters User:x ServiceAccount:ns/name", by spaces.
  std::string_view retired;   // One that clusters of old bound: it is taken away at the start.
};
// The role system:controller:NAME of one of Kubernetes' own controllers.
struct ControllerRole {
  std::string_view name;  // Of its service account in kube-system, too.
  bool writes_events;  // After all other rules.
  std::string_view rules;
};
std::span<const BootstrapRole> bootstrap_roles();
std::span<const BootstrapBinding> bootstrap_bindings();
std::span<const ControllerRole> controller_roles();
// Rules in the words above.
std::vector<Rule> rules_of_text(std::string_view text);

}  // namespace pinnace::apiserver
