#include "apiserver/bootstrap/bootstrap.h"

#include "apiserver/bootstrap/api_service.h"
#include "apiserver/bootstrap/seeder.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kRbacGroup = "rbac.authorization.k8s.io";

constexpr std::string_view kEventRules = "\ncreate patch update / core events.k8s.io / events";

// What a role that gathers others may do, as the aggregation controller would write it down.
std::string gathered_rules(std::string_view label) {
  std::string out;
  for (const BootstrapRole& role : bootstrap_roles()) {
    if (role.aggregate_to != label) continue;
    const std::string rules =
        role.aggregates.empty() ? rules_json(role.rules) : gathered_rules(role.aggregates);
    out += (out.empty() ? "" : ",") + rules;
  }
  return out;
}

std::string rbac_meta_json(std::string_view ns, std::string_view name, std::string_view label) {
  std::string labels = R"("kubernetes.io/bootstrapping":"rbac-defaults")";
  if (!label.empty()) {
    labels += ",\"rbac.authorization.k8s.io/aggregate-to-" + std::string(label) + "\":\"true\"";
  }
  return meta_json(ns, name, labels,
                   R"(,"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"true"})");
}

void seed_role(Seeder& seeder, const BootstrapRole& role) {
  std::string json = "{" + rbac_meta_json(role.ns, role.name, role.aggregate_to);
  const std::string label(role.aggregates);
  json += ",\"rules\":[" + (label.empty() ? rules_json(role.rules) : gathered_rules(label)) + "]";
  if (!label.empty()) {
    json += R"(,"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{)"
            R"("rbac.authorization.k8s.io/aggregate-to-)" +
            label + R"(":"true"}}]})";
  }
  seeder.add(kRbacGroup, "v1", role.ns.empty() ? "clusterroles" : "roles", json + "}",
             Existing::kReconcile);
}

std::string subjects_json(std::string_view words) {
  std::string subjects;
  for (const std::string_view subject : split(words, ' ')) {
    if (subject.empty()) continue;
    const auto colon = subject.find(':');
    const std::string_view kind = subject.substr(0, colon);
    std::string_view name = subject.substr(colon + 1);
    std::string scope = ",\"apiGroup\":" + json_quoted(kRbacGroup);
    if (kind == "ServiceAccount") {
      const auto slash = name.find('/');
      scope = ",\"namespace\":" + json_quoted(name.substr(0, slash));
      name.remove_prefix(slash + 1);
    }
    subjects += std::string(subjects.empty() ? "" : ",") + "{\"kind\":" + json_quoted(kind) +
                ",\"name\":" + json_quoted(name) + scope + "}";
  }
  return "[" + subjects + "]";
}

void seed_binding(Seeder& seeder, const BootstrapBinding& binding) {
  const bool is_cluster = binding.ns.empty();
  seeder.add(kRbacGroup, "v1", is_cluster ? "clusterrolebindings" : "rolebindings",
             "{" + rbac_meta_json(binding.ns, binding.name, "") +
                 ",\"subjects\":" + subjects_json(binding.subjects) +
                 ",\"roleRef\":{\"apiGroup\":" + json_quoted(kRbacGroup) + ",\"kind\":\"" +
                 (is_cluster ? "ClusterRole" : "Role") +
                 "\",\"name\":" + json_quoted(binding.role) + "}}",
             Existing::kReconcile, subjects_json(binding.retired));
}

void seed_controller(Seeder& seeder, const ControllerRole& controller) {
  const std::string name = "system:controller:" + std::string(controller.name);
  std::string rules(controller.rules);
  if (controller.writes_events) rules += kEventRules;
  seed_role(seeder, {"", name, "", "", rules});
  const std::string subject = "ServiceAccount:kube-system/" + std::string(controller.name);
  seed_binding(seeder, {"", name, name, subject, ""});
}

void seed_namespaces(Seeder& seeder) {
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    seeder.add("", "v1", "namespaces",
               "{" + meta_json("", name, "") +
                   R"(,"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}})");
  }
}

void seed_priority_classes(Seeder& seeder) {
  struct Class {
    const char* name;
    int value;
    const char* description;
  };
  constexpr Class kClasses[] = {
      {"system-node-critical", 2000001000,
       "Used for system critical pods that must not be moved from their current node."},
      {"system-cluster-critical", 2000000000,
       "Used for system critical pods that must run in the cluster, but can be moved to another "
       "node if necessary."}};
  for (const Class& one : kClasses) {
    seeder.add("scheduling.k8s.io", "v1", "priorityclasses",
               "{" + meta_json("", one.name, "") + ",\"value\":" + std::to_string(one.value) +
                   ",\"description\":" + json_quoted(one.description) + "}");
  }
}

// How extension servers check who calls them.
void seed_authentication(Backend& backend, Seeder& seeder) {
  const Options& options = backend.options;
  if (options.cluster_ca_pem.empty()) return;
  std::string data = "\"client-ca-file\":" + json_quoted(options.cluster_ca_pem);
  if (!options.front_proxy_ca_pem.empty()) {
    data += ",\"requestheader-client-ca-file\":" + json_quoted(options.front_proxy_ca_pem) +
            R"(,"requestheader-allowed-names":"[\"front-proxy-client\"]")"
            R"(,"requestheader-username-headers":"[\"X-Remote-User\"]")"
            R"(,"requestheader-uid-headers":"[\"X-Remote-Uid\"]")"
            R"(,"requestheader-group-headers":"[\"X-Remote-Group\"]")"
            R"(,"requestheader-extra-headers-prefix":"[\"X-Remote-Extra-\"]")";
  }
  seeder.add("", "v1", "configmaps",
             "{" + meta_json("kube-system", "extension-apiserver-authentication", "") +
                 ",\"data\":{" + data + "}}",
             Existing::kFollow);
}

// Since when the use of tokens in Secrets is written down: from the first start on.
void seed_token_tracking(const Backend& backend, Seeder& seeder) {
  constexpr std::size_t kDateLength = 10;
  seeder.add(
      "", "v1", "configmaps",
      "{" + meta_json("kube-system", "kube-apiserver-legacy-service-account-token-tracking", "") +
          ",\"data\":{\"since\":" + json_quoted(rfc3339(backend.now()).substr(0, kDateLength)) +
          "}}");
}

}  // namespace

Result<void> bootstrap(const BackendRef& backend) {
  const auto made = std::make_shared<Seeder>(backend);
  Seeder& seeder = *made;
  seed_namespaces(seeder);
  for (const BootstrapRole& role : bootstrap_roles()) seed_role(seeder, role);
  for (const BootstrapBinding& binding : bootstrap_bindings()) seed_binding(seeder, binding);
  for (const ControllerRole& controller : controller_roles()) seed_controller(seeder, controller);
  seed_priority_classes(seeder);
  seed_api_service(seeder, *backend);
  seed_authentication(*backend, seeder);
  seed_token_tracking(*backend, seeder);
  return seeder.wait();
}

}  // namespace pinnace::apiserver
