// PodSecurity: a namespace's labels say how much its pods may do.
//
// Source: pod-security.admission.config.k8s.io/v1.
#include <algorithm>
#include <map>
#include <set>

#include "api/json.h"
#include "apiserver/admission/audit_annotations.h"
#include "apiserver/admission/plugin_configuration.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/pod_security/checks.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kPrefix = "pod-security.kubernetes.io/";
constexpr std::size_t kMaxPodsChecked = 3000;

struct Policies {
  SecurityPolicy enforce, audit, warn;
};

struct Settings final : PluginState {
  Policies defaults;
  std::set<std::string, std::less<>> exempt_namespaces, exempt_users, exempt_classes;
};

// Where the template of pods stands in kinds that make pods.
struct Workload {
  std::string_view resource;
  std::initializer_list<std::string_view> path;
};
const Workload kWorkloads[] = {
    {"apps/deployments", {"spec", "template"}},
    {"apps/replicasets", {"spec", "template"}},
    {"apps/daemonsets", {"spec", "template"}},
    {"apps/statefulsets", {"spec", "template"}},
    {"batch/jobs", {"spec", "template"}},
    {"replicationcontrollers", {"spec", "template"}},
    {"batch/cronjobs", {"spec", "jobTemplate", "spec", "template"}},
    {"podtemplates", {"template"}},
};

Result<SecurityPolicy> parse_policy(std::string_view level, std::string_view version) {
  SecurityPolicy policy;
  if (!level.empty()) {
    const auto parsed = parse_security_level(level);
    if (!parsed) return std::unexpected(parsed.error());
    policy.level = *parsed;
  }
  const auto minor = parse_security_version(version);
  if (!minor) return std::unexpected(minor.error());
  policy.minor = *minor;
  return policy;
}

Result<std::unique_ptr<PluginState>> configure(Backend&, const api::Value* configuration) {
  auto settings = std::make_unique<Settings>();
  if (configuration == nullptr) return settings;
  if (auto ok = check_configuration_kind(*configuration, "pod-security.admission.config.k8s.io",
                                         "v1 v1beta1 v1alpha1", "PodSecurityConfiguration");
      !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  struct Mode {
    const char* name;
    SecurityPolicy Policies::*policy;
  };
  const auto* defaults = configuration->find("defaults");
  for (const auto& [name, member] :
       {Mode{"enforce", &Policies::enforce}, Mode{"audit", &Policies::audit},
        Mode{"warn", &Policies::warn}}) {
    if (defaults == nullptr) break;
    const auto parsed = parse_policy(defaults->string_at(name),
                                     defaults->string_at(std::string(name) + "-version"));
    if (!parsed)
      return errors::bad_request(std::string("defaults.") + name + ": " + parsed.error().message);
    settings->defaults.*member = *parsed;
  }
  const auto read = [&](const char* key, std::set<std::string, std::less<>>& into) {
    for (const auto& one : items_at(configuration->find("exemptions"), key)) {
      if (one.is_string()) into.emplace(one.as_string());
    }
  };
  read("namespaces", settings->exempt_namespaces);
  read("usernames", settings->exempt_users);
  read("runtimeClasses", settings->exempt_classes);
  return settings;
}

// What the namespace's labels say; what is wrong in them counts as restricted, and is told.
Policies policies_of(const api::Value& ns, const Policies& defaults, std::vector<Cause>& wrong) {
  const auto* labels = ns.find_path({"metadata", "labels"});
  const auto read = [&](const std::string& mode, const SecurityPolicy& otherwise) {
    SecurityPolicy policy = otherwise;
    const auto field = [&](const std::string& key) { return "metadata.labels[" + key + "]"; };
    const std::string level_key = std::string(kPrefix) + mode;
    const std::string version_key = level_key + "-version";
    if (const auto* level = labels == nullptr ? nullptr : labels->find(level_key)) {
      const auto parsed = parse_security_level(level->is_string() ? level->as_string() : "");
      policy.level = parsed ? *parsed : SecurityLevel::kRestricted;
      if (!parsed) {
        wrong.push_back(
            cause::invalid(field(level_key), api::to_json_text(*level), parsed.error().message));
      }
      policy.minor = 0;
    }
    if (const auto* version = labels == nullptr ? nullptr : labels->find(version_key)) {
      const auto parsed = parse_security_version(version->is_string() ? version->as_string() : "");
      policy.minor = parsed ? *parsed : 0;
      if (!parsed) {
        wrong.push_back(cause::invalid(field(version_key), api::to_json_text(*version),
                                       parsed.error().message));
      }
    }
    return policy;
  };
  return {read("enforce", defaults.enforce), read("audit", defaults.audit),
          read("warn", defaults.warn)};
}

void annotate(const AdmissionRequest& request, std::string_view key, std::string_view value) {
  annotate_audit(request, std::string(kPrefix) + std::string(key), value);
}

bool is_exempt(const AdmissionRequest& request, const Settings& settings, const api::Value* spec) {
  const Change& change = request.change;
  const std::string_view own = spec == nullptr ? "" : spec->string_at("runtimeClassName");
  const std::string_view why = settings.exempt_namespaces.contains(change.ns)          ? "namespace"
                               : settings.exempt_users.contains(change.call.user.name) ? "user"
                               : !own.empty() && settings.exempt_classes.contains(own)
                                   ? "runtimeClass"
                                   : "";
  if (!why.empty()) annotate(request, "exempt", why);
  return !why.empty();
}

void note_violations(const AdmissionRequest& request, const SecurityPolicy& policy,
                     const api::Value* meta, const api::Value* spec) {
  if (!is_audited(request)) return;
  const std::string found = security_violations(policy, meta, spec);
  if (found.empty()) return;
  annotate(request, "audit-violations",
           "would violate PodSecurity \"" + policy.text() + "\": " + found);
}

Result<Policies> policies_of_request(const AdmissionRequest& request, const Settings& settings) {
  const Change& change = request.change;
  const auto found = change.backend.store().get({"namespaces", "", change.ns});
  if (!found) return errors::not_found("namespaces", change.ns);
  if (!mentions(**found, kPrefix)) return settings.defaults;
  const auto ns = parse_stored(change.arena, **found);
  if (!ns) return std::unexpected(ns.error());
  std::vector<Cause> wrong;
  return policies_of(*ns, settings.defaults, wrong);
}

void warn(const AdmissionRequest& request, const SecurityPolicy& policy, const api::Value* meta,
          const api::Value* spec) {
  const std::string found = security_violations(policy, meta, spec);
  if (found.empty()) return;
  request.change.call.warnings.push_back("would violate PodSecurity \"" + policy.text() +
                                         "\": " + found);
}

// A change of a pod that cannot make it more or less secure.
bool is_insignificant(const AdmissionRequest& request) {
  if (!request.is(Operation::kUpdate)) return false;
  const auto *before = request.old->find("spec"), *after = request.object->find("spec");
  if (before == nullptr || after == nullptr || !api::equal(*before, *after)) return false;
  const auto profiles = [](const api::Value& pod) {
    std::map<std::string, std::string> out;
    for (const auto& [key, value] : members_at(pod.find("metadata"), "annotations")) {
      const bool counts =
          key.starts_with("container.apparmor.security.beta.kubernetes.io/") ||
          key.find("seccomp.security.alpha.kubernetes.io") != std::string_view::npos;
      if (counts && value.is_string()) out[std::string(key)] = value.as_string();
    }
    return out;
  };
  return profiles(*request.old) == profiles(*request.object);
}

Result<void> check_pod(AdmissionRequest& request, const Settings& settings) {
  const auto* meta = request.object->find("metadata");
  const auto* spec = request.object->find("spec");
  if (is_insignificant(request) || is_exempt(request, settings, spec)) return {};
  const auto policies = policies_of_request(request, settings);
  if (!policies) return std::unexpected(policies.error());
  annotate(request, "enforce-policy", policies->enforce.text());
  note_violations(request, policies->audit, meta, spec);
  const std::string found = security_violations(policies->enforce, meta, spec);
  if (!found.empty()) {
    return admission_refusal(request.change,
                             "violates PodSecurity \"" + policies->enforce.text() + "\": " + found);
  }
  if (policies->warn != policies->enforce) warn(request, policies->warn, meta, spec);
  return {};
}

// What a workload makes later is refused later; here its author is told.
Result<void> check_workload(AdmissionRequest& request, const Settings& settings,
                            const Workload& workload) {
  const auto* made = request.object->find_path(workload.path);
  if (made == nullptr || is_exempt(request, settings, made->find("spec"))) return {};
  const auto policies = policies_of_request(request, settings);
  if (!policies) return std::unexpected(policies.error());
  note_violations(request, policies->audit, made->find("metadata"), made->find("spec"));
  warn(request, policies->warn, made->find("metadata"), made->find("spec"));
  return {};
}

// Pods that run already stay; who makes the namespace stricter is told about them.
void warn_of_pods(AdmissionRequest& request, const Settings& settings,
                  const SecurityPolicy& enforce) {
  Change& change = request.change;
  const auto stored = change.backend.store().list("pods", change.name, {}, kMaxPodsChecked);
  if (!stored) return;
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const auto& object : stored->objects) {
    api::Arena arena;
    const auto pod = parse_stored(arena, *object);
    if (!pod) continue;
    const std::string_view own = spec_text(*pod, "runtimeClassName");
    if (!own.empty() && settings.exempt_classes.contains(own)) continue;
    const std::string found =
        security_violations(enforce, pod->find("metadata"), pod->find("spec"));
    if (found.empty()) continue;
    // Names of what is forbidden, without the details of each pod.
    std::string reasons;
    int depth = 0;
    for (const char c : found) {
      depth += c == '(' ? 1 : 0;
      if (depth == 0) reasons += c;
      depth -= c == ')' ? 1 : 0;
    }
    for (auto at = reasons.find(" ,"); at != std::string::npos; at = reasons.find(" ,")) {
      reasons.erase(at, 1);
    }
    by_reason[std::string(trim(reasons))].push_back(object->key.name);
  }
  if (by_reason.empty()) return;
  auto& warnings = change.call.warnings;
  warnings.push_back("existing pods in namespace \"" + change.name +
                     "\" violate the new PodSecurity enforce level \"" + enforce.text() + "\"");
  for (const auto& [reasons, names] : by_reason) {
    std::string text = names[0];
    if (names.size() == 2) text += " (and 1 other pod)";
    if (names.size() > 2) text += " (and " + std::to_string(names.size() - 1) + " other pods)";
    warnings.push_back(text + ": " + reasons);
  }
}

Result<void> check_namespace(AdmissionRequest& request, const Settings& settings) {
  Change& change = request.change;
  std::vector<Cause> wrong, old_wrong;
  const Policies now = policies_of(*request.object, settings.defaults, wrong);
  if (request.is(Operation::kCreate)) {
    if (wrong.empty()) return {};
    return errors::invalid("Namespace", change.name, std::move(wrong));
  }
  const Policies before = policies_of(*request.old, settings.defaults, old_wrong);
  // What was wrong before may stay.
  if (!wrong.empty() && old_wrong.empty()) {
    return errors::invalid("Namespace", change.name, std::move(wrong));
  }
  const bool is_looser =
      now.enforce == before.enforce || now.enforce.level == SecurityLevel::kPrivileged ||
      (now.enforce.minor == before.enforce.minor && now.enforce.level < before.enforce.level);
  if (is_looser || settings.exempt_namespaces.contains(change.name)) return {};
  warn_of_pods(request, settings, now.enforce);
  return {};
}

Result<void> check(AdmissionRequest& request) {
  const auto& settings = static_cast<const Settings&>(*request.state);
  const std::string_view resource = request.resource();
  if (resource == "pods") return check_pod(request, settings);
  if (!request.change.subresource.empty()) return {};
  if (resource == "namespaces") return check_namespace(request, settings);
  for (const Workload& workload : kWorkloads) {
    if (workload.resource == resource) return check_workload(request, settings, workload);
  }
  return {};
}

}  // namespace

constinit const AdmissionPlugin kPodSecurity{
    .name = "PodSecurity",
    .resources =
        "pods namespaces apps/deployments apps/replicasets apps/daemonsets "
        "apps/statefulsets batch/jobs batch/cronjobs replicationcontrollers podtemplates",
    .subresources = "ephemeralcontainers",
    .operations = kWrites,
    .validate = check,
    .configure = configure};

}  // namespace pinnace::apiserver
