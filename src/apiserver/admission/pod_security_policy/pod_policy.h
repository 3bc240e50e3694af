// PodPolicy is a PodSecurityPolicy: what the pods may do whose makers may use it, and what they get
// where they say nothing.
//
// Source: policy/v1beta1, as Kubernetes 1.20 had it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "base/error.h"
#include "store/store.h"

namespace pinnace::apiserver {

struct IdRange {
  std::int64_t min, max;
};

// Which users or groups a pod may run as.
struct IdRule {
  std::string rule = "RunAsAny";
  std::vector<IdRange> ranges;

  bool is(std::string_view wanted) const { return rule == wanted; }
  bool has(std::int64_t id) const;
  std::string ranges_text() const;  // "[{1 10} {20 30}]"
};

// Profiles of seccomp or AppArmor, from the policy's annotations.
struct ProfileRule {
  std::string default_profile;
  bool is_limited = false;   // There is a list.
  bool allows_any = false;   // The list has "*".
  std::string allowed_text;  // As it was written.
  std::vector<std::string> allowed;

  bool allows(std::string_view profile) const;
};

struct PodPolicy {
  std::string name;
  const api::Value* spec = nullptr;
  IdRule user, group, supplemental_groups, fs_group;
  ProfileRule seccomp, app_armor;
};

// All that there are and can be used, by name.
struct PodPolicies {
  api::Arena arena;  // Of their specs.
  std::vector<PodPolicy> policies;

  static std::shared_ptr<const PodPolicies> read(const store::Store& store);
};

// Keys of annotations of pods.
inline constexpr std::string_view kSeccompOfPod = "seccomp.security.alpha.kubernetes.io/pod";
inline constexpr std::string_view kSeccompOfContainer =
    "container.seccomp.security.alpha.kubernetes.io/";
inline constexpr std::string_view kAppArmorOfContainer =
    "container.apparmor.security.beta.kubernetes.io/";

// What a container gets: from its own security context, or from the pod's.
const api::Value* effective(const api::Value& spec, const api::Value& container,
                            std::string_view key);

// Fills into the pod what it leaves open and the policy wants.
void fill_in(api::Arena& arena, const PodPolicy& policy, api::Value& pod);
// What the policy does not allow, in Kubernetes' words and order.
std::vector<Cause> find_violations(const PodPolicy& policy, const api::Value& pod);

}  // namespace pinnace::apiserver
