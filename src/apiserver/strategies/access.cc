// Roles and bindings of RBAC.
#include "api/json.h"
#include "apiserver/authorization/escalation.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

void validate_rules(const Field& rules, bool is_namespaced) {
  for (const Field& rule : rules.items()) {
    if (rule["verbs"].empty()) rule["verbs"].required("verbs must contain at least one value");
    const Field urls = rule["nonResourceURLs"];
    if (!urls.empty()) {
      if (is_namespaced) {
        urls.invalid("namespaced rules cannot apply to non-resource URLs");
      }
      const bool names_resources = !rule["apiGroups"].empty() || !rule["resources"].empty() ||
                                   !rule["resourceNames"].empty();
      if (names_resources) {
        urls.invalid("rules cannot apply to both regular resources and non-resource URLs");
      }
      continue;
    }
    if (rule["apiGroups"].empty()) {
      rule["apiGroups"].required("resource rules must supply at least one api group");
    }
    if (rule["resources"].empty()) {
      rule["resources"].required("resource rules must supply at least one resource");
    }
  }
}

void validate_role(Change& change, const api::Value& object) {
  validate_rules(root(change, object)["rules"], true);
}

void validate_cluster_role(Change& change, const api::Value& object) {
  const Field role = root(change, object);
  validate_rules(role["rules"], false);
  const Field aggregation = role["aggregationRule"];
  if (!aggregation.is_set()) return;
  const Field selectors = aggregation["clusterRoleSelectors"];
  if (selectors.empty())
    selectors.required(
        "at least one clusterRoleSelector required if "
        "aggregationRule is non-nil");
  for (const Field& selector : selectors.items()) {
    const std::size_t known = change.causes.size();
    validate_label_selector(selector);
    if (change.causes.size() != known) {
      selector.invalid_value("null", "invalid label selector.");
    }
  }
}

void validate_subject(const Field& subject, bool is_namespaced) {
  const Field kind = subject["kind"];
  const Field group = subject["apiGroup"];
  const Field name = subject["name"];
  if (name.empty()) name.required();
  if (kind.text() == "ServiceAccount") {
    if (!name.empty()) name.each(api::check_dns1123_subdomain(name.text()));
    if (!group.empty()) group.not_supported({""});
    if (!is_namespaced && subject["namespace"].empty()) subject["namespace"].required();
  } else if (kind.text() == "User" || kind.text() == "Group") {
    if (group.text() != kGroup) group.not_supported({std::string(kGroup)});
  } else {
    kind.not_supported({"ServiceAccount", "User", "Group"});
  }
}

void validate_binding(Change& change, const api::Value& object) {
  const Field binding = root(change, object);
  const bool is_namespaced = change.storage.namespaced;
  const Field role = binding["roleRef"];
  if (role["apiGroup"].text() != kGroup) role["apiGroup"].not_supported({std::string(kGroup)});
  const Field kind = role["kind"];
  if (is_namespaced && kind.text() != "Role" && kind.text() != "ClusterRole") {
    kind.not_supported({"Role", "ClusterRole"});
  } else if (!is_namespaced && kind.text() != "ClusterRole") {
    kind.not_supported({"ClusterRole"});
  }
  const Field name = role["name"];
  if (name.require()) name.each(api::check_path_segment_name(name.text()));
  for (const Field& subject : binding["subjects"].items()) {
    validate_subject(subject, is_namespaced);
  }
}

void keep_role(Change& change, const api::Value& object, const api::Value& old) {
  const Field role = root(change, object)["roleRef"];
  const auto* before = old.find("roleRef");
  if (before == nullptr || (role.is_set() && api::equal(*role.value(), *before))) return;
  role.invalid("cannot change roleRef");
}

Result<void> create_role(Change& change, api::Value& role) {
  return check_role_escalation(change, role, nullptr);
}
Result<void> update_role(Change& change, api::Value& role, const api::Value& old) {
  return check_role_escalation(change, role, &old);
}
Result<void> create_binding(Change& change, api::Value& binding) {
  return check_binding_escalation(change, binding, nullptr);
}
Result<void> update_binding(Change& change, api::Value& binding, const api::Value& old) {
  return check_binding_escalation(change, binding, &old);
}

}  // namespace

const Strategy kRoleStrategy{
    .storage_resource = "rbac.authorization.k8s.io/roles",
    .check_name = api::check_path_segment_name,
    .create_on_update = true,
    .prepare_create = create_role,
    .prepare_update = update_role,
    .validate = validate_role,
};
const Strategy kClusterRoleStrategy{
    .storage_resource = "rbac.authorization.k8s.io/clusterroles",
    .check_name = api::check_path_segment_name,
    .create_on_update = true,
    .prepare_create = create_role,
    .prepare_update = update_role,
    .validate = validate_cluster_role,
};
const Strategy kRoleBindingStrategy{
    .storage_resource = "rbac.authorization.k8s.io/rolebindings",
    .check_name = api::check_path_segment_name,
    .create_on_update = true,
    .prepare_create = create_binding,
    .prepare_update = update_binding,
    .validate = validate_binding,
    .validate_update = keep_role,
};
const Strategy kClusterRoleBindingStrategy{
    .storage_resource = "rbac.authorization.k8s.io/clusterrolebindings",
    .check_name = api::check_path_segment_name,
    .create_on_update = true,
    .prepare_create = create_binding,
    .prepare_update = update_binding,
    .validate = validate_binding,
    .validate_update = keep_role,
};

}  // namespace pinnace::apiserver
