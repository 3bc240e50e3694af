// PodSecurity: a namespace's labels say how much its pods may do.
//
// Source: pod-security.admission.config.k8s.io/v1.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "api/json.h"
#include "api/names.h"
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
  explicit Settings(metrics::Registry& registry)
      : evaluations(registry.counter("pod_security_evaluations_total",
                                     "Pods and templates that policies were asked about.",
                                     {"decision", "mode", "policy_level", "policy_version",
                                      "request_operation", "resource", "subresource"})),
        exemptions(registry.counter("pod_security_exemptions_total",
                                    "Requests that policies were not asked about.",
                                    {"request_operation", "resource", "subresource"})) {
    // What is usual is shown before there is any.
    for (const char* operation : {"create", "update"}) {
      evaluations.with({"allow", "enforce", "privileged", "latest", operation, "pod", ""});
      for (const char* resource : {"pod", "controller"}) exemptions.with({operation, resource, ""});
    }
  }

  metrics::Family<metrics::Series>&evaluations, &exemptions;
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

// Takes what is right; what is not is told of.
template <typename T>
void take(const Result<T>& parsed, T& into, std::string field, std::string_view text,
          std::vector<Cause>& wrong) {
  if (parsed) {
    into = *parsed;
  } else {
    wrong.push_back(cause::invalid(std::move(field), quoted(text), parsed.error().message));
  }
}

// What nothing says stays privileged and latest.
void read_defaults(const api::Value& defaults, Policies& into, std::vector<Cause>& wrong) {
  struct Mode {
    std::string name;
    SecurityPolicy Policies::*policy;
  };
  for (const auto& [name, member] :
       {Mode{"enforce", &Policies::enforce}, Mode{"warn", &Policies::warn},
        Mode{"audit", &Policies::audit}}) {
    SecurityPolicy& policy = into.*member;
    const std::string_view level = defaults.string_at(name);
    const std::string_view version = defaults.string_at(name + "-version");
    if (!level.empty()) {
      take(parse_security_level(level), policy.level, "defaults." + name, level, wrong);
    }
    if (!version.empty()) {
      take(parse_security_version(version), policy.minor, "defaults." + name + "-version", version,
           wrong);
    }
  }
}

api::Complaints check_user_name(std::string_view name) {
  return name.empty() ? api::Complaints{"username must not be empty"} : api::Complaints();
}

using Exempt = std::set<std::string, std::less<>>;
void read_exemptions(const api::Value* exemptions, const std::string& key,
                     api::Complaints (*check)(std::string_view), Exempt& into,
                     std::vector<Cause>& wrong) {
  std::size_t at = 0;
  for (const auto& one : items_at(exemptions, key)) {
    const std::string field = "exemptions." + key + "[" + std::to_string(at++) + "]";
    const std::string text(one.is_string() ? one.as_string() : "");
    if (const auto complaints = check(text); !complaints.empty()) {
      wrong.push_back(cause::invalid(field, quoted(text), join(complaints, ", ")));
    } else if (!into.insert(text).second) {
      wrong.push_back(cause::duplicate(field, quoted(text)));
    }
  }
}

Result<std::unique_ptr<PluginState>> configure(Backend& backend, const api::Value* configuration) {
  auto settings = std::make_unique<Settings>(backend.options.metrics);
  if (configuration == nullptr) return settings;
  if (auto ok = check_configuration_kind(*configuration, "pod-security.admission.config.k8s.io",
                                         "v1 v1beta1 v1alpha1", "PodSecurityConfiguration");
      !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  std::vector<Cause> wrong;
  if (const auto* defaults = configuration->find("defaults")) {
    read_defaults(*defaults, settings->defaults, wrong);
  }
  const auto* exemptions = configuration->find("exemptions");
  read_exemptions(exemptions, "namespaces", api::check_dns1123_label, settings->exempt_namespaces,
                  wrong);
  read_exemptions(exemptions, "runtimeClasses", api::check_dns1123_subdomain,
                  settings->exempt_classes, wrong);
  read_exemptions(exemptions, "usernames", check_user_name, settings->exempt_users, wrong);
  if (!wrong.empty()) return errors::bad_request(aggregate_text(wrong));
  return settings;
}

// Reads the labels of one mode after another.
class LabelReader {
 public:
  LabelReader(const api::Value& ns, std::vector<Cause>& wrong)
      : labels_(ns.find_path({"metadata", "labels"})), wrong_(wrong) {}

  const std::string* find(std::string_view mode) {
    key_ = std::string(kPrefix) + std::string(mode);
    const auto* label = labels_ == nullptr ? nullptr : labels_->find(key_);
    if (label == nullptr) return nullptr;
    text_ = label->is_string() ? label->as_string() : "";
    return &text_;
  }
  // Whether it is there and right; `otherwise` is what one that is wrong counts as.
  bool read_level(std::string_view mode, SecurityLevel& level, SecurityLevel otherwise) {
    const std::string* text = find(mode);
    return text != nullptr && take(parse_security_level(*text), level, otherwise);
  }
  void read_version(std::string_view mode, int& minor) {
    const std::string* text = find(mode);
    if (text != nullptr) take(parse_security_version(*text), minor, kLatestMinor);
  }

 private:
  template <typename T>
  bool take(const Result<T>& parsed, T& into, T otherwise) {
    into = parsed.value_or(otherwise);
    if (parsed) return true;
    wrong_.push_back(
        cause::invalid("metadata.labels[" + key_ + "]", quoted(text_), parsed.error().message));
    return false;
  }

  const api::Value* labels_;
  std::vector<Cause>& wrong_;
  std::string key_, text_;
};

// What the namespace's labels say. What is wrong in them is told, and counts as restricted for
// what is enforced, as privileged for what is only said.
Policies policies_of(const api::Value& ns, const Policies& defaults, std::vector<Cause>& wrong) {
  Policies out = defaults;
  LabelReader labels(ns, wrong);
  const bool enforces = labels.read_level("enforce", out.enforce.level, SecurityLevel::kRestricted);
  labels.read_version("enforce-version", out.enforce.minor);
  labels.read_level("audit", out.audit.level, SecurityLevel::kPrivileged);
  labels.read_version("audit-version", out.audit.minor);
  labels.read_level("warn", out.warn.level, SecurityLevel::kPrivileged);
  labels.read_version("warn-version", out.warn.minor);
  // Who enforces more than is warned of by default is warned of it, too.
  if (enforces && labels.find("warn") == nullptr && out.enforce.level > out.warn.level) {
    out.warn.level = out.enforce.level;
    if (labels.find("warn-version") == nullptr) out.warn.minor = out.enforce.minor;
  }
  return out;
}

void annotate(const AdmissionRequest& request, std::string_view key, std::string_view value) {
  annotate_audit(request, std::string(kPrefix) + std::string(key), value);
}

bool is_privileged(const SecurityPolicy& policy) {
  return policy.level == SecurityLevel::kPrivileged;
}

std::vector<std::string> labels_of(const AdmissionRequest& request) {
  return {request.is(Operation::kCreate) ? "create" : "update",
          request.resource() == "pods" ? "pod" : "controller", request.change.subresource};
}

void count_exemption(const AdmissionRequest& request, const Settings& settings) {
  settings.exemptions.with(labels_of(request)).add(1);
}

// One that was right by what is only said is not counted, as in Kubernetes.
void count(const AdmissionRequest& request, const Settings& settings, const char* mode,
           const SecurityPolicy& policy, bool is_allowed) {
  const bool is_latest = policy.is_latest() || is_privileged(policy);
  const std::string text = policy.text();
  std::vector<std::string> labels = {is_allowed ? "allow" : "deny", mode,
                                     std::string(level_name(policy.level)),
                                     is_latest ? "latest" : text.substr(text.find(':') + 1)};
  for (std::string& label : labels_of(request)) labels.push_back(std::move(label));
  settings.evaluations.with(labels).add(1);
}

// Whether the namespace or the user is exempt.
bool is_exempt(const AdmissionRequest& request, const Settings& settings) {
  const Change& change = request.change;
  const std::string_view why = settings.exempt_namespaces.contains(change.ns)          ? "namespace"
                               : settings.exempt_users.contains(change.call.user.name) ? "user"
                                                                                       : "";
  if (why.empty()) return false;
  count_exemption(request, settings);
  annotate(request, "exempt", why);
  return true;
}

bool has_exempt_class(const Settings& settings, const api::Value* spec) {
  const std::string_view own = spec == nullptr ? "" : spec->string_at("runtimeClassName");
  return !own.empty() && settings.exempt_classes.contains(own);
}

void note_violations(const AdmissionRequest& request, const Settings& settings,
                     const SecurityPolicy& policy, const api::Value* meta, const api::Value* spec) {
  const std::string found = security_violations(policy, meta, spec);
  if (found.empty()) return;
  count(request, settings, "audit", policy, false);
  annotate(request, "audit-violations",
           "would violate PodSecurity \"" + policy.text() + "\": " + found);
}

// The policies of the request's namespace; in `wrong` what is wrong in its labels.
Result<Policies> policies_of_request(const AdmissionRequest& request, const Settings& settings,
                                     std::vector<Cause>& wrong) {
  const Change& change = request.change;
  const auto found = change.backend.store().get({"namespaces", "", change.ns});
  if (!found) return errors::not_found("namespaces", change.ns);
  if (!mentions(**found, kPrefix)) return settings.defaults;
  const auto ns = parse_stored(change.arena, **found);
  if (!ns) return std::unexpected(ns.error());
  return policies_of(*ns, settings.defaults, wrong);
}

void warn(const AdmissionRequest& request, const Settings& settings, const SecurityPolicy& policy,
          const api::Value* meta, const api::Value* spec) {
  const std::string found = security_violations(policy, meta, spec);
  if (found.empty()) return;
  count(request, settings, "warn", policy, false);
  request.change.call.warnings.push_back("would violate PodSecurity \"" + policy.text() +
                                         "\": " + found);
}

// Whether a change of a pod gives it another image or another container: nothing else can be
// changed that counts.
bool is_significant(const AdmissionRequest& request) {
  const auto *before = request.old->find("spec"), *after = request.object->find("spec");
  const auto image_differs = [](const api::Value& a, const api::Value& b) {
    return a.string_at("image") != b.string_at("image");
  };
  for (const char* list : {"containers", "initContainers"}) {
    const auto was = items_at(before, list), is = items_at(after, list);
    if (!std::ranges::equal(was, is, std::not_fn(image_differs))) return true;
  }
  const auto was = items_at(before, "ephemeralContainers");
  return std::ranges::any_of(
      items_at(after, "ephemeralContainers"), [&](const api::Value& container) {
        const auto old = std::ranges::find_if(was, [&](const api::Value& one) {
          return one.string_at("name") == container.string_at("name");
        });
        return old == was.end() || image_differs(container, *old);
      });
}

// Notes what the policies say of the pod, or of the template of one; only a pod is refused.
Result<void> evaluate(AdmissionRequest& request, const Settings& settings, const Policies& policies,
                      const std::vector<Cause>& wrong, const api::Value* meta,
                      const api::Value* spec, bool enforces) {
  if (!wrong.empty())
    annotate(request, "error", "Failed to parse policy: " + aggregate_text(wrong));
  if (enforces) annotate(request, "enforce-policy", policies.enforce.text());
  note_violations(request, settings, policies.audit, meta, spec);
  const std::string found =
      enforces ? security_violations(policies.enforce, meta, spec) : std::string();
  if (enforces) count(request, settings, "enforce", policies.enforce, found.empty());
  if (!found.empty()) {
    return admission_refusal(request.change,
                             "violates PodSecurity \"" + policies.enforce.text() + "\": " + found);
  }
  if (!enforces || policies.warn != policies.enforce) {
    warn(request, settings, policies.warn, meta, spec);
  }
  return {};
}

Result<void> check_pod(AdmissionRequest& request, const Settings& settings) {
  if (is_exempt(request, settings)) return {};
  std::vector<Cause> wrong;
  const auto policies = policies_of_request(request, settings, wrong);
  if (!policies) return std::unexpected(policies.error());
  if (wrong.empty() && is_privileged(policies->enforce) && is_privileged(policies->audit) &&
      is_privileged(policies->warn)) {
    count(request, settings, "enforce", policies->enforce, true);
    annotate(request, "enforce-policy", SecurityPolicy().text());
    return {};
  }
  if (request.is(Operation::kUpdate) && !is_significant(request)) return {};
  const auto* spec = request.object->find("spec");
  if (has_exempt_class(settings, spec)) {
    count_exemption(request, settings);
    annotate(request, "exempt", "runtimeClass");
    return {};
  }
  return evaluate(request, settings, *policies, wrong, request.object->find("metadata"), spec,
                  true);
}

// What a workload makes later is refused later; here its author is told.
Result<void> check_workload(AdmissionRequest& request, const Settings& settings,
                            const Workload& workload) {
  if (is_exempt(request, settings)) return {};
  std::vector<Cause> wrong;
  const auto policies = policies_of_request(request, settings, wrong);
  if (!policies) return std::unexpected(policies.error());
  const bool says_nothing = is_privileged(policies->audit) && is_privileged(policies->warn);
  const auto* made = request.object->find_path(workload.path);
  if ((wrong.empty() && says_nothing) || made == nullptr) return {};
  const auto* spec = made->find("spec");
  if (has_exempt_class(settings, spec)) {
    count_exemption(request, settings);
    annotate(request, "exempt", "runtimeClass");
    return {};
  }
  return evaluate(request, settings, *policies, wrong, made->find("metadata"), spec, false);
}

// The namespace's pods whose class is not exempt: one of each controller first, then the others.
std::vector<store::ObjectRef> pods_by_importance(const Change& change, const Settings& settings) {
  std::vector<store::ObjectRef> first, later;
  auto stored = change.backend.store().list("pods", change.name);
  if (!stored) return first;
  std::set<std::string> controllers;
  for (auto& object : stored->objects) {
    api::Arena arena;  // Only one of them is decoded at a time.
    const auto pod = parse_stored(arena, *object);
    if (!pod || has_exempt_class(settings, pod->find("spec"))) continue;
    std::string_view controller;
    for (const auto& owner : items_at(pod->find("metadata"), "ownerReferences")) {
      if (owner.bool_at("controller")) controller = owner.string_at("uid");
    }
    const bool is_first = controller.empty() || controllers.emplace(controller).second;
    (is_first ? first : later).push_back(std::move(object));
  }
  first.insert(first.end(), later.begin(), later.end());
  return first;
}

// Pods that run already stay; who makes the namespace stricter is told about them.
void warn_of_pods(AdmissionRequest& request, const Settings& settings,
                  const SecurityPolicy& enforce) {
  Change& change = request.change;
  const auto pods = pods_by_importance(change, settings);
  const std::size_t looked_at = std::min(pods.size(), kMaxPodsChecked);
  std::map<std::string, std::set<std::string>> by_reason;
  for (const auto& object : std::span(pods).first(looked_at)) {
    api::Arena arena;
    const auto pod = parse_stored(arena, *object);
    if (!pod) continue;
    std::string reasons = security_reasons(enforce, pod->find("metadata"), pod->find("spec"));
    if (!reasons.empty()) by_reason[std::move(reasons)].insert(object->key.name);
  }
  auto& warnings = change.call.warnings;
  if (looked_at < pods.size()) {
    warnings.push_back("new PodSecurity enforce level only checked against the first " +
                       std::to_string(looked_at) + " of " + std::to_string(pods.size()) +
                       " existing pods");
  }
  if (by_reason.empty()) return;
  warnings.push_back("existing pods in namespace \"" + change.name +
                     "\" violate the new PodSecurity enforce level \"" + enforce.text() + "\"");
  std::set<std::string> lines;
  for (const auto& [reasons, names] : by_reason) {
    std::string text = *names.begin();
    if (names.size() == 2) text += " (and 1 other pod)";
    if (names.size() > 2) text += " (and " + std::to_string(names.size() - 1) + " other pods)";
    lines.insert(text + ": " + reasons);
  }
  warnings.insert(warnings.end(), lines.begin(), lines.end());
}

// Labels of a namespace that is exempt do nothing: who sets them is told.
void warn_of_exemption(AdmissionRequest& request, const Settings& settings, const Policies& now) {
  const Policies& defaults = settings.defaults;
  const bool says_nothing =
      is_privileged(now.enforce) && is_privileged(now.audit) && is_privileged(now.warn);
  const bool is_default = now.enforce.is_like(defaults.enforce) &&
                          now.audit.is_like(defaults.audit) && now.warn.is_like(defaults.warn);
  if (says_nothing || is_default) return;
  const auto* labels = request.object->find_path({"metadata", "labels"});
  std::vector<std::string> shown;
  const auto show = [&](const std::string& mode, const SecurityPolicy& policy) {
    const std::string key = std::string(kPrefix) + mode;
    const bool is_set = labels != nullptr &&
                        (labels->find(key) != nullptr || labels->find(key + "-version") != nullptr);
    if (is_set && !is_privileged(policy)) shown.push_back(mode + "=" + policy.text());
  };
  show("enforce", now.enforce);
  show("audit", now.audit);
  show("warn", now.warn);
  request.change.call.warnings.push_back("namespace \"" + request.change.name +
                                         "\" is exempt from Pod Security, and the policy (" +
                                         join(shown, ", ") + ") will be ignored");
}

bool are_same(const std::vector<Cause>& a, const std::vector<Cause>& b) {
  return std::ranges::equal(a, b, [](const Cause& one, const Cause& other) {
    return one.field == other.field && one.message == other.message;
  });
}

Result<void> check_namespace(AdmissionRequest& request, const Settings& settings) {
  Change& change = request.change;
  std::vector<Cause> wrong, old_wrong;
  const Policies now = policies_of(*request.object, settings.defaults, wrong);
  Policies before;
  if (request.is(Operation::kUpdate)) {
    before = policies_of(*request.old, settings.defaults, old_wrong);
  }
  // What was wrong before may stay.
  if (!wrong.empty() && !are_same(wrong, old_wrong)) {
    return errors::invalid("Namespace", change.name, std::move(wrong));
  }
  const bool is_looser =
      now.enforce == before.enforce || is_privileged(now.enforce) ||
      (now.enforce.minor == before.enforce.minor && now.enforce.level < before.enforce.level);
  if (request.is(Operation::kUpdate) && is_looser) return {};
  if (settings.exempt_namespaces.contains(change.name)) {
    warn_of_exemption(request, settings, now);
  } else if (request.is(Operation::kUpdate)) {
    warn_of_pods(request, settings, now.enforce);
  }
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
