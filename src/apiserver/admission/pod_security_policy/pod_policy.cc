#include "apiserver/admission/pod_security_policy/pod_policy.h"

#include <algorithm>

#include "api/json.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

IdRule read_rule(const api::Value* from) {
  IdRule out;
  if (from == nullptr || !from->is_object()) return out;
  if (const auto rule = from->string_at("rule"); !rule.empty()) out.rule = rule;
  for (const auto& range : items_at(from, "ranges")) {
    out.ranges.push_back({range.int_at("min"), range.int_at("max")});
  }
  return out;
}

ProfileRule read_profiles(const api::Value* annotations, const std::string& prefix) {
  ProfileRule out;
  if (annotations == nullptr) return out;
  out.default_profile = annotations->string_at(prefix + "defaultProfileName");
  const auto* allowed = annotations->find(prefix + "allowedProfileNames");
  if (allowed == nullptr || !allowed->is_string()) return out;
  out.is_limited = true;
  out.allowed_text = allowed->as_string();
  for (const auto profile : split(out.allowed_text, ',')) {
    if (profile == "*") {
      out.allows_any = true;
    } else {
      out.allowed.emplace_back(profile);
    }
  }
  return out;
}

// One that names no ids where it must cannot be used.
bool is_usable(const PodPolicy& policy) {
  const auto lacks_ranges = [](const IdRule& rule) {
    return (rule.is("MustRunAs") || rule.is("MayRunAs")) && rule.ranges.empty();
  };
  if (lacks_ranges(policy.user) || lacks_ranges(policy.group) ||
      lacks_ranges(policy.supplemental_groups) || lacks_ranges(policy.fs_group)) {
    return false;
  }
  const auto* linux = policy.spec->find("seLinux");
  const bool must = linux != nullptr && linux->string_at("rule") == "MustRunAs";
  return !must || linux->find("seLinuxOptions") != nullptr;
}

}  // namespace

bool IdRule::has(std::int64_t id) const {
  return std::ranges::any_of(
      ranges, [id](const IdRange& range) { return id >= range.min && id <= range.max; });
}

std::string IdRule::ranges_text() const {
  std::vector<std::string> texts;
  for (const IdRange& range : ranges) {
    texts.push_back("{" + std::to_string(range.min) + " " + std::to_string(range.max) + "}");
  }
  return "[" + join(texts, " ") + "]";
}

bool ProfileRule::allows(std::string_view profile) const {
  return allows_any || std::ranges::find(allowed, profile) != allowed.end();
}

std::shared_ptr<const PodPolicies> PodPolicies::read(const store::Store& store) {
  auto out = std::make_shared<PodPolicies>();
  const auto stored = store.list("policy/podsecuritypolicies", "");
  if (!stored) return out;
  for (const auto& object : stored->objects) {
    const auto parsed = parse_stored(out->arena, *object);
    const auto* spec = parsed ? parsed->find("spec") : nullptr;
    if (spec == nullptr || !spec->is_object()) continue;
    const auto* annotations = parsed->find_path({"metadata", "annotations"});
    PodPolicy policy;
    policy.name = object->key.name;
    policy.spec = spec;
    policy.user = read_rule(spec->find("runAsUser"));
    policy.group = read_rule(spec->find("runAsGroup"));
    policy.supplemental_groups = read_rule(spec->find("supplementalGroups"));
    policy.fs_group = read_rule(spec->find("fsGroup"));
    policy.seccomp = read_profiles(annotations, "seccomp.security.alpha.kubernetes.io/");
    policy.app_armor = read_profiles(annotations, "apparmor.security.beta.kubernetes.io/");
    if (is_usable(policy)) out->policies.push_back(std::move(policy));
  }
  std::ranges::sort(out->policies, {}, &PodPolicy::name);
  return out;
}

const api::Value* effective(const api::Value& spec, const api::Value& container,
                            std::string_view key) {
  for (const api::Value* from : {&container, &spec}) {
    const auto* context = from->find("securityContext");
    const auto* value = context == nullptr ? nullptr : context->find(key);
    if (value != nullptr && !value->is_null()) return value;
  }
  return nullptr;
}

}  // namespace pinnace::apiserver
