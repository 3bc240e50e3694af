// PodSecurityPolicy: a pod must be allowed by a policy that its maker, or its service account, may
// use. The first that allows it as it is counts; else the first, by name, that does once it has
// filled in what the pod leaves open.
//
// Source: kubernetes.io/docs/concepts/policy/pod-security-policy, as of Kubernetes 1.20.
#include <algorithm>

#include "apiserver/admission/audit_annotations.h"
#include "apiserver/admission/compiled.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/pod_security_policy/pod_policy.h"
#include "apiserver/authentication/service_account_user.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kValidated = "kubernetes.io/psp";

struct State final : PluginState {
  explicit State(store::Store& store)
      : policies(store, {"policy/podsecuritypolicies"}, PodPolicies::read) {}
  Compiled<PodPolicies> policies;
};

Result<std::unique_ptr<PluginState>> configure(Backend& backend, const api::Value*) {
  return std::make_unique<State>(backend.store());
}

bool may_use(const AdmissionRequest& request, const std::string& policy) {
  const Change& change = request.change;
  Attributes wanted;
  wanted.verb = "use";
  wanted.resource = "podsecuritypolicies";
  wanted.ns = change.ns;
  wanted.name = policy;
  const std::string_view account = spec_text(*request.object, "serviceAccountName");
  // Policies stood in another group once, and so may the rules about them.
  for (const char* group : {"policy", "extensions"}) {
    wanted.group = group;
    if (may_user(request, wanted)) return true;
    if (account.empty()) continue;
    User user = service_account_user(change.ns, account);
    user.groups.emplace_back(kAuthenticated);
    if (change.backend.authorization->allows(user, wanted)) return true;
  }
  return false;
}

struct Choice {
  const PodPolicy* policy = nullptr;  // Null: none allows it.
  api::Value pod;
  std::vector<Cause> violations;  // Of those that may be used.
};

// The policy that the pod was allowed by before is asked first, if it must not change any more.
Choice choose(AdmissionRequest& request, const std::vector<PodPolicy>& policies, bool may_change) {
  Change& change = request.change;
  std::vector<const PodPolicy*> order;
  for (const PodPolicy& policy : policies) order.push_back(&policy);
  const std::string_view known = annotation_of(*request.object, kValidated);
  if (!may_change) {
    std::ranges::stable_partition(
        order, [known](const PodPolicy* policy) { return policy->name == known; });
  }
  Choice changed;
  for (const PodPolicy* policy : order) {
    api::Value pod = api::deep_copy(change.arena, *request.object);
    fill_in(change.arena, *policy, pod);
    auto violations = find_violations(*policy, pod);
    const bool is_same = api::equal(pod, *request.object);
    if (violations.empty() && !is_same && (!may_change || changed.policy != nullptr)) continue;
    if (!may_use(request, policy->name)) continue;
    if (!violations.empty()) {
      std::ranges::move(violations, std::back_inserter(changed.violations));
    } else if (is_same) {
      return {policy, pod, {}};
    } else {
      changed.policy = policy;
      changed.pod = pod;
    }
  }
  return changed;
}

// A change of owners and finalizers alone, as the garbage collector makes it.
bool changes_no_pod(const AdmissionRequest& request) {
  if (request.old == nullptr) return false;
  api::Arena& arena = request.change.arena;
  const auto bare = [&arena](const api::Value& object) {
    api::Value copy = api::deep_copy(arena, object);
    for (const char* key : {"ownerReferences", "finalizers", "managedFields"}) {
      meta_of(arena, copy).erase(key);
    }
    return copy;
  };
  return api::equal(bare(*request.object), bare(*request.old));
}

Result<void> refuse(const AdmissionRequest& request, std::string_view what,
                    const std::vector<Cause>& violations) {
  std::string all;
  for (const Cause& cause : violations) {
    if (!all.empty()) all += ' ';
    ((all += cause.field) += ": ") += cause.message;
  }
  return admission_refusal(
      request.change, "PodSecurityPolicy: unable to " + std::string(what) + " pod: [" + all + "]");
}

Result<void> admit(AdmissionRequest& request, bool may_change) {
  const auto known = static_cast<State&>(*request.state).policies.current();
  if (known->policies.empty()) {
    return admission_refusal(request.change,
                             "PodSecurityPolicy: no providers available to validate pod request");
  }
  Choice choice = choose(request, known->policies, may_change);
  if (choice.policy == nullptr) {
    return refuse(request, may_change ? "admit" : "validate", choice.violations);
  }
  annotate_audit(request,
                 may_change ? "podsecuritypolicy.policy.k8s.io/admit-policy"
                            : "podsecuritypolicy.policy.k8s.io/validate-policy",
                 choice.policy->name);
  if (!may_change) return {};
  Change& change = request.change;
  *request.object = choice.pod;
  meta_of(change.arena, *request.object)
      .ensure_object(change.arena, "annotations")
      .set_ref(change.arena, kValidated, change.text(choice.policy->name));
  return {};
}

Result<void> fill(AdmissionRequest& request) {
  return request.is(Operation::kCreate) ? admit(request, true) : Result<void>();
}

Result<void> check(AdmissionRequest& request) {
  return changes_no_pod(request) ? Result<void>() : admit(request, false);
}

}  // namespace

constinit const AdmissionPlugin kPodSecurityPolicy{.name = "PodSecurityPolicy",
                                                   .resources = "pods",
                                                   .subresources = "ephemeralcontainers",
                                                   .operations = kWrites,
                                                   .mutate = fill,
                                                   .validate = check,
                                                   .configure = configure};

}  // namespace pinnace::apiserver
