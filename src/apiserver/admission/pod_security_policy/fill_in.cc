// What a pod gets from a PodSecurityPolicy where it says nothing itself.
#include <algorithm>
#include <set>

#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/pod_security_policy/pod_policy.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

using Names = std::set<std::string_view>;

bool says(const api::Value& object, std::string_view key) {
  const auto* context = object.find("securityContext");
  const auto* value = context == nullptr ? nullptr : context->find(key);
  return value != nullptr && !value->is_null();
}

void set(api::Arena& arena, api::Value& object, std::string_view key, const api::Value& value) {
  object.ensure_object(arena, "securityContext").set(arena, key, value);
}

Names names_at(const api::Value* object, std::string_view key) {
  Names out;
  for (const auto& name : items_at(object, key)) {
    if (name.is_string()) out.insert(name.as_string());
  }
  return out;
}

// The policy's capabilities and the container's own; nothing when those say as much already.
void fill_in_capabilities(api::Arena& arena, const api::Value& rules, api::Value& container) {
  const auto* own = container.find_path({"securityContext", "capabilities"});
  const Names own_add = names_at(own, "add"), own_drop = names_at(own, "drop");
  Names add = own_add, drop = own_drop;
  for (const auto name : names_at(&rules, "defaultAddCapabilities")) {
    if (!own_drop.contains(name)) add.insert(name);
  }
  drop.merge(names_at(&rules, "requiredDropCapabilities"));
  if (add == own_add && drop == own_drop) return;
  api::Value made = api::Value::object();
  const auto put = [&](std::string_view key, const Names& names) {
    if (names.empty()) return;
    api::Value& list = made.set_ref(arena, key, api::Value::array());
    for (const auto name : names) list.append(arena, api::Value::string(arena, name));
  };
  put("add", add);
  put("drop", drop);
  set(arena, container, "capabilities", made);
}

const api::Value* forced_linux_options(const api::Value& rules) {
  const auto* linux = rules.find("seLinux");
  const bool must = linux != nullptr && linux->string_at("rule") == "MustRunAs";
  return must ? linux->find("seLinuxOptions") : nullptr;
}

void annotate(api::Arena& arena, api::Value& pod, const std::string& key, std::string_view value) {
  meta_of(arena, pod)
      .ensure_object(arena, "annotations")
      .set(arena, key, api::Value::string(arena, value));
}

// The profile as an annotation and, for those who read that, as a field.
void fill_in_seccomp(api::Arena& arena, const PodPolicy& policy, api::Value& pod,
                     api::Value& spec) {
  const std::string& profile = policy.seccomp.default_profile;
  if (profile.empty() || says(spec, "seccompProfile") ||
      !annotation_of(pod, kSeccompOfPod).empty()) {
    return;
  }
  annotate(arena, pod, std::string(kSeccompOfPod), profile);
  constexpr std::string_view kLocal = "localhost/";
  api::Value made = api::Value::object();
  if (profile.starts_with(kLocal)) {
    made.set_ref(arena, "type", api::Value::string_ref("Localhost"));
    made.set_ref(arena, "localhostProfile",
                 api::Value::string(arena, std::string_view(profile).substr(kLocal.size())));
  } else {
    made.set_ref(arena, "type",
                 api::Value::string_ref(profile == "unconfined" ? "Unconfined" : "RuntimeDefault"));
  }
  set(arena, spec, "seccompProfile", made);
}

void fill_in_container(api::Arena& arena, const PodPolicy& policy, api::Value& pod,
                       const api::Value& spec, api::Value& container) {
  const api::Value& rules = *policy.spec;
  const auto lacks = [&](std::string_view key) {
    return effective(spec, container, key) == nullptr;
  };
  if (lacks("runAsUser") && policy.user.is("MustRunAs")) {
    set(arena, container, "runAsUser", api::Value::integer(policy.user.ranges[0].min));
  }
  if (lacks("runAsGroup") && policy.group.is("MustRunAs")) {
    set(arena, container, "runAsGroup", api::Value::integer(policy.group.ranges[0].min));
  }
  const auto* linux = forced_linux_options(rules);
  if (linux != nullptr && lacks("seLinuxOptions")) {
    set(arena, container, "seLinuxOptions", api::deep_copy(arena, *linux));
  }
  const std::string app_armor =
      std::string(kAppArmorOfContainer) + std::string(container.string_at("name"));
  if (!policy.app_armor.default_profile.empty() && annotation_of(pod, app_armor).empty()) {
    annotate(arena, pod, app_armor, policy.app_armor.default_profile);
  }
  if (policy.user.is("MustRunAsNonRoot") && lacks("runAsNonRoot") && lacks("runAsUser")) {
    set(arena, container, "runAsNonRoot", api::Value::boolean(true));
  }
  fill_in_capabilities(arena, rules, container);
  if (rules.bool_at("readOnlyRootFilesystem") && !says(container, "readOnlyRootFilesystem")) {
    set(arena, container, "readOnlyRootFilesystem", api::Value::boolean(true));
  }
  if (says(container, "allowPrivilegeEscalation")) return;
  if (const auto* escalates = rules.find("defaultAllowPrivilegeEscalation");
      escalates != nullptr && escalates->is_bool()) {
    set(arena, container, "allowPrivilegeEscalation", *escalates);
  } else if (!rules.bool_at("allowPrivilegeEscalation", true)) {
    set(arena, container, "allowPrivilegeEscalation", api::Value::boolean(false));
  }
}

}  // namespace

void fill_in(api::Arena& arena, const PodPolicy& policy, api::Value& pod) {
  api::Value& spec = pod.ensure_object(arena, "spec");
  if (policy.supplemental_groups.is("MustRunAs") && !says(spec, "supplementalGroups")) {
    api::Value groups = api::Value::array();
    groups.append(arena, api::Value::integer(policy.supplemental_groups.ranges[0].min));
    set(arena, spec, "supplementalGroups", groups);
  }
  if (policy.fs_group.is("MustRunAs") && !says(spec, "fsGroup")) {
    set(arena, spec, "fsGroup", api::Value::integer(policy.fs_group.ranges[0].min));
  }
  const auto* linux = forced_linux_options(*policy.spec);
  if (linux != nullptr && !says(spec, "seLinuxOptions")) {
    set(arena, spec, "seLinuxOptions", api::deep_copy(arena, *linux));
  }
  fill_in_seccomp(arena, policy, pod, spec);
  const auto* classes = policy.spec->find("runtimeClass");
  const std::string_view own =
      classes == nullptr ? "" : classes->string_at("defaultRuntimeClassName");
  if (!own.empty() && spec.string_at("runtimeClassName").empty()) {
    spec.set(arena, "runtimeClassName", api::Value::string(arena, own));
  }
  for (const ContainerList& list : kContainerLists) {
    for (auto& container : items_at(&spec, list.field)) {
      fill_in_container(arena, policy, pod, spec, container);
    }
  }
}

}  // namespace pinnace::apiserver
