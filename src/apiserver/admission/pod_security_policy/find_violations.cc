// What a pod says that a PodSecurityPolicy does not allow.
#include <algorithm>
#include <optional>

#include "api/json.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/pod_security_policy/pod_policy.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kSafeSysctls[] = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range"};
// How Kubernetes shows what is not there.
constexpr std::string_view kNull = R"("null")";

bool has_text(const api::Value* object, std::string_view key, std::string_view wanted) {
  return std::ranges::any_of(items_at(object, key), [&](const api::Value& item) {
    return item.is_string() && item.as_string() == wanted;
  });
}

bool matches_sysctl(const api::Value& rules, std::string_view list, std::string_view name) {
  return std::ranges::any_of(items_at(&rules, list), [&](const api::Value& item) {
    if (!item.is_string()) return false;
    std::string_view pattern = item.as_string();
    if (!pattern.ends_with('*')) return pattern == name;
    pattern.remove_suffix(1);
    return name.starts_with(pattern);
  });
}

// "s0:c1,c2": the order of the categories does not count.
std::string level_of(std::string_view level) {
  const auto colon = level.rfind(':');
  if (colon == std::string_view::npos) return std::string(level);
  auto categories = split(level.substr(colon + 1), ',');
  std::ranges::sort(categories);
  std::string out(level.substr(0, colon + 1));
  for (const auto category : categories) (out += category) += ',';
  return out;
}

bool is_below(std::string_view path, std::string_view prefix) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

// The sources of the volume with which every pod gets its token.
bool is_token_volume(const api::Value& projected) {
  const auto is_of_token = [](const api::Value& source) {
    if (source.find("serviceAccountToken") != nullptr) return true;
    if (const auto* map = source.find("configMap")) {
      const auto items = items_at(map, "items");
      return map->string_at("name") == "kube-root-ca.crt" && items.size() == 1 &&
             items[0].string_at("key") == "ca.crt" && items[0].string_at("path") == "ca.crt";
    }
    const auto* downward = source.find("downwardAPI");
    return downward != nullptr &&
           std::ranges::all_of(items_at(downward, "items"), [](const api::Value& item) {
             const auto* field = item.find("fieldRef");
             return item.string_at("path") == "namespace" && field != nullptr &&
                    field->string_at("fieldPath") == "metadata.namespace";
           });
  };
  return std::ranges::all_of(items_at(&projected, "sources"), is_of_token);
}

class Inspector {
 public:
  Inspector(const PodPolicy& policy, const api::Value& pod, const api::Value& spec)
      : policy_(policy), rules_(*policy.spec), pod_(pod), spec_(spec) {}

  std::vector<Cause> inspect() {
    inspect_groups("fsGroup", policy_.fs_group);
    inspect_groups("supplementalGroups", policy_.supplemental_groups);
    inspect_seccomp("pod.metadata.annotations[" + std::string(kSeccompOfPod) + "]",
                    seccomp_of(spec_, kSeccompOfPod));
    inspect_linux_options("spec.securityContext.seLinuxOptions",
                          context_of(spec_, "seLinuxOptions"));
    inspect_host_namespaces();
    inspect_sysctls();
    inspect_volumes();
    inspect_runtime_class();
    for (const ContainerList& list : kContainerLists) {
      const auto containers = items_at(&spec_, list.field);
      for (std::size_t i = 0; i < containers.size(); ++i) {
        inspect_container(containers[i],
                          "spec." + std::string(list.field) + "[" + std::to_string(i) + "]");
      }
    }
    return std::move(found_);
  }

 private:
  static const api::Value* context_of(const api::Value& object, std::string_view key) {
    const auto* context = object.find("securityContext");
    const auto* value = context == nullptr ? nullptr : context->find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  void invalid(std::string field, std::string_view shown, std::string_view why) {
    if (!why.empty()) return found_.push_back(cause::invalid(std::move(field), shown, why));
    found_.push_back({"FieldValueInvalid", "Invalid value: " + std::string(shown), field});
  }
  void forbidden(std::string field, std::string_view why) {
    found_.push_back(cause::forbidden(std::move(field), why));
  }

  // One id or a list of them.
  void inspect_groups(std::string_view key, const IdRule& rule) {
    const auto* value = context_of(spec_, key);
    std::optional<std::vector<std::int64_t>> ids;
    if (value != nullptr && value->is_int()) ids = {value->as_int()};
    if (value != nullptr && value->is_array()) {
      ids.emplace();
      for (const auto& id : value->items()) ids->push_back(id.is_int() ? id.as_int() : 0);
    }
    inspect_ids("spec.securityContext." + std::string(key), rule, ids);
  }

  void inspect_ids(const std::string& field, const IdRule& rule,
                   const std::optional<std::vector<std::int64_t>>& ids) {
    if (!rule.is("MustRunAs") && !rule.is("MayRunAs")) return;
    std::string shown = "[]int64(nil)";
    if (ids) {
      std::vector<std::string> texts;
      for (const auto id : *ids) texts.push_back(std::to_string(id));
      shown = "[]int64{" + join(texts, ", ") + "}";
    }
    if (!ids || ids->empty()) {
      if (rule.is("MustRunAs")) {
        invalid(field, shown, "unable to validate empty groups against required ranges");
      }
      return;
    }
    for (const auto id : *ids) {
      if (rule.has(id)) continue;
      invalid(field, shown,
              "group " + std::to_string(id) + " must be in the ranges: " + rule.ranges_text());
    }
  }

  // The annotation, or the field in the annotation's words.
  std::string seccomp_of(const api::Value& object, std::string_view annotation) const {
    if (has_annotation(pod_, annotation)) return std::string(annotation_of(pod_, annotation));
    const auto* profile = context_of(object, "seccompProfile");
    if (profile == nullptr) return {};
    const std::string_view type = profile->string_at("type");
    if (type == "RuntimeDefault") return "runtime/default";
    if (type == "Unconfined") return "unconfined";
    return "localhost/" + std::string(profile->string_at("localhostProfile"));
  }

  void inspect_seccomp(const std::string& field, const std::string& profile) {
    const ProfileRule& rule = policy_.seccomp;
    if (rule.allows_any || (profile.empty() && rule.allowed.empty())) return;
    if (rule.allowed.empty()) return forbidden(field, "seccomp may not be set");
    // Two names of one profile.
    const bool is_default = profile == "runtime/default" || profile == "docker/default";
    if (is_default ? rule.allows("runtime/default") || rule.allows("docker/default")
                   : rule.allows(profile)) {
      return;
    }
    forbidden(field, profile + " is not an allowed seccomp profile. Valid values are " +
                         rule.allowed_text);
  }

  void inspect_linux_options(const std::string& field, const api::Value* options) {
    const auto* linux = rules_.find("seLinux");
    const auto* wanted = linux == nullptr || linux->string_at("rule") != "MustRunAs"
                             ? nullptr
                             : linux->find("seLinuxOptions");
    if (wanted == nullptr) return;
    if (options == nullptr) return found_.push_back(cause::required(field));
    for (const char* key : {"level", "role", "type", "user"}) {
      const auto own = options->string_at(key), must = wanted->string_at(key);
      const bool is_same =
          std::string_view(key) == "level" ? level_of(own) == level_of(must) : own == must;
      if (!is_same) invalid(field + "." + key, quoted(own), "must be " + std::string(must));
    }
  }

  void inspect_host_namespaces() {
    struct Row {
      const char* key;
      const char* words;
    };
    for (const auto& [key, words] : {Row{"hostNetwork", "Host network"}, Row{"hostPID", "Host PID"},
                                     Row{"hostIPC", "Host IPC"}}) {
      if (!spec_.bool_at(key) || rules_.bool_at(key)) continue;
      invalid(std::string("spec.securityContext.") + key, "true",
              std::string(words) + " is not allowed to be used");
    }
  }

  void inspect_sysctls() {
    const auto sysctls = items_at(spec_.find("securityContext"), "sysctls");
    for (std::size_t i = 0; i < sysctls.size(); ++i) {
      const std::string_view name = sysctls[i].string_at("name");
      const std::string field = "pod.spec.securityContext.sysctls[" + std::to_string(i) + "]";
      if (matches_sysctl(rules_, "forbiddenSysctls", name)) {
        forbidden(field, "sysctl " + quoted(name) + " is not allowed");
      } else if (std::ranges::find(kSafeSysctls, name) == std::end(kSafeSysctls) &&
                 !matches_sysctl(rules_, "allowedUnsafeSysctls", name)) {
        forbidden(field, "unsafe sysctl " + quoted(name) + " is not allowed");
      }
    }
  }

  void inspect_volumes() {
    const auto volumes = items_at(&spec_, "volumes");
    for (std::size_t i = 0; i < volumes.size(); ++i) {
      const std::string field = "spec.volumes[" + std::to_string(i) + "]";
      for (const auto& [key, source] : volumes[i].members()) {
        if (key != "name" && source.is_object()) inspect_volume(field, volumes[i], key, source);
      }
    }
  }

  void inspect_volume(const std::string& field, const api::Value& volume, std::string_view key,
                      const api::Value& source) {
    const std::string_view type = key == "cephfs" ? "cephFS" : key;
    const bool is_allowed =
        has_text(&rules_, "volumes", "*") || has_text(&rules_, "volumes", type) ||
        (type == "projected" && has_text(&rules_, "volumes", "secret") && is_token_volume(source));
    if (!is_allowed) {
      return invalid(field, quoted(type),
                     std::string(type) + " volumes are not allowed to be used");
    }
    if (type == "hostPath") inspect_host_path(field, volume, source.string_at("path"));
    const std::string_view driver = source.string_at("driver");
    if (type == "flexVolume" && !is_listed("allowedFlexVolumes", "driver", driver)) {
      invalid(field + ".driver", quoted(driver), "Flexvolume driver is not allowed to be used");
    }
    if (type == "csi" && !is_listed("allowedCSIDrivers", "name", driver)) {
      invalid(field + ".csi.driver", quoted(driver), "Inline CSI driver is not allowed to be used");
    }
  }

  // An empty list allows all.
  bool is_listed(std::string_view list, std::string_view key, std::string_view wanted) const {
    const auto items = items_at(&rules_, list);
    return items.empty() || std::ranges::any_of(items, [&](const api::Value& item) {
             return item.string_at(key) == wanted;
           });
  }

  void inspect_host_path(const std::string& field, const api::Value& volume,
                         std::string_view path) {
    const auto prefixes = items_at(&rules_, "allowedHostPaths");
    bool is_allowed = prefixes.empty(), may_write = prefixes.empty();
    for (const auto& prefix : prefixes) {
      if (!is_below(path, prefix.string_at("pathPrefix"))) continue;
      is_allowed = true;
      may_write = may_write || !prefix.bool_at("readOnly");
    }
    if (!is_allowed) {
      return invalid(field + ".hostPath.pathPrefix", quoted(path), "is not allowed to be used");
    }
    if (may_write) return;
    for (const ContainerList& list : kContainerLists) {
      const auto containers = items_at(&spec_, list.field);
      for (std::size_t i = 0; i < containers.size(); ++i) {
        const auto mounts = items_at(&containers[i], "volumeMounts");
        for (std::size_t j = 0; j < mounts.size(); ++j) {
          if (mounts[j].string_at("name") != volume.string_at("name") ||
              mounts[j].bool_at("readOnly")) {
            continue;
          }
          invalid("spec." + std::string(list.field) + "[" + std::to_string(i) + "].volumeMounts[" +
                      std::to_string(j) + "].readOnly",
                  "false", "must be read-only");
        }
      }
    }
  }

  void inspect_runtime_class() {
    const auto* classes = rules_.find("runtimeClass");
    const std::string_view own = spec_.string_at("runtimeClassName");
    if (classes == nullptr || own.empty()) return;
    if (has_text(classes, "allowedRuntimeClassNames", "*") ||
        has_text(classes, "allowedRuntimeClassNames", own)) {
      return;
    }
    invalid("spec.runtimeClassName", quoted(own), "");
  }

  void inspect_container(const api::Value& container, const std::string& field) {
    const std::string below = field + ".securityContext";
    inspect_user(below, effective(spec_, container, "runAsUser"),
                 effective(spec_, container, "runAsNonRoot"));
    std::optional<std::vector<std::int64_t>> groups;
    if (const auto* group = effective(spec_, container, "runAsGroup")) groups = {group->as_int()};
    inspect_ids(below, policy_.group, groups);
    inspect_linux_options(below + ".seLinuxOptions", effective(spec_, container, "seLinuxOptions"));
    inspect_app_armor(container);
    const std::string own =
        std::string(kSeccompOfContainer) + std::string(container.string_at("name"));
    const std::string profile = seccomp_of(container, own);
    inspect_seccomp("pod.metadata.annotations[" + own + "]",
                    profile.empty() ? seccomp_of(spec_, kSeccompOfPod) : profile);
    inspect_privileges(container, field);
    inspect_capabilities(below + ".capabilities", context_of(container, "capabilities"));
    inspect_host_ports(container, field);
    inspect_switches(container, below);
  }

  void inspect_user(const std::string& field, const api::Value* user, const api::Value* non_root) {
    if (policy_.user.is("MustRunAs")) {
      if (user == nullptr) return found_.push_back(cause::required(field + ".runAsUser"));
      if (policy_.user.has(user->as_int())) return;
      return invalid(field + ".runAsUser", std::to_string(user->as_int()),
                     "must be in the ranges: " + policy_.user.ranges_text());
    }
    if (!policy_.user.is("MustRunAsNonRoot")) return;
    if (non_root == nullptr && user == nullptr) {
      return found_.push_back(cause::required(field + ".runAsNonRoot", "must be true"));
    }
    if (non_root != nullptr && !non_root->as_bool()) {
      return invalid(field + ".runAsNonRoot", "false", "must be true");
    }
    if (user != nullptr && user->as_int() == 0) {
      invalid(field + ".runAsUser", "0", "running with the root UID is forbidden");
    }
  }

  void inspect_app_armor(const api::Value& container) {
    if (!policy_.app_armor.is_limited) return;
    const std::string key =
        std::string(kAppArmorOfContainer) + std::string(container.string_at("name"));
    const std::string field = "pod.metadata.annotations[" + key + "]";
    const std::string_view profile = annotation_of(pod_, key);
    if (profile.empty()) return forbidden(field, "AppArmor profile must be set");
    if (policy_.app_armor.allows(profile)) return;
    forbidden(field, std::string(profile) + " is not an allowed profile. Allowed values: " +
                         quoted(policy_.app_armor.allowed_text));
  }

  void inspect_privileges(const api::Value& container, const std::string& field) {
    const auto* privileged = context_of(container, "privileged");
    if (privileged != nullptr && privileged->as_bool() && !rules_.bool_at("privileged")) {
      invalid(field + ".securityContext.privileged", "true",
              "Privileged containers are not allowed");
    }
    const auto* mount = context_of(container, "procMount");
    const std::string_view proc = mount == nullptr ? "Default" : mount->as_string();
    const bool is_allowed = items_at(&rules_, "allowedProcMountTypes").empty()
                                ? proc == "Default"
                                : has_text(&rules_, "allowedProcMountTypes", proc);
    if (!is_allowed) {
      invalid(field + ".securityContext.procMount", quoted(proc), "ProcMountType is not allowed");
    }
  }

  void inspect_capabilities(const std::string& field, const api::Value* own) {
    if (own == nullptr) {
      if (items_at(&rules_, "defaultAddCapabilities").empty() &&
          items_at(&rules_, "requiredDropCapabilities").empty()) {
        return;
      }
      return invalid(field, kNull, "required capabilities are not set on the securityContext");
    }
    if (has_text(&rules_, "allowedCapabilities", "*")) return;
    for (const auto& added : items_at(own, "add")) {
      const std::string_view name = added.as_string();
      if (has_text(&rules_, "defaultAddCapabilities", name) ||
          has_text(&rules_, "allowedCapabilities", name)) {
        continue;
      }
      invalid(field + ".add", quoted(name), "capability may not be added");
    }
    for (const auto& must : items_at(&rules_, "requiredDropCapabilities")) {
      if (has_text(own, "drop", must.as_string())) continue;
      invalid(field + ".drop", shown_capabilities(own->find("drop")),
              std::string(must.as_string()) + " is required to be dropped but was not found");
    }
  }

  static std::string shown_capabilities(const api::Value* list) {
    if (list == nullptr) return "[]core.Capability(nil)";
    std::vector<std::string> names;
    for (const auto& name : list->items()) names.push_back(quoted(name.as_string()));
    return "[]core.Capability{" + join(names, ", ") + "}";
  }

  void inspect_host_ports(const api::Value& container, const std::string& field) {
    const auto ranges = items_at(&rules_, "hostPorts");
    std::vector<std::string> allowed;
    for (const auto& range : ranges) {
      const auto min = range.int_at("min"), max = range.int_at("max");
      allowed.push_back(std::to_string(min) + (min == max ? "" : "-" + std::to_string(max)));
    }
    for (const auto& port : items_at(&container, "ports")) {
      const std::int64_t number = port.int_at("hostPort");
      const bool is_allowed = std::ranges::any_of(ranges, [number](const api::Value& range) {
        return number >= range.int_at("min") && number <= range.int_at("max");
      });
      if (number <= 0 || is_allowed) continue;
      const std::string shown = std::to_string(number);
      invalid(field + ".hostPort", shown,
              "Host port " + shown + " is not allowed to be used. Allowed ports: [" +
                  join(allowed, ",") + "]");
    }
  }

  void inspect_switches(const api::Value& container, const std::string& field) {
    if (rules_.bool_at("readOnlyRootFilesystem")) {
      const auto* reads_only = context_of(container, "readOnlyRootFilesystem");
      if (reads_only == nullptr) {
        invalid(field + ".readOnlyRootFilesystem", kNull,
                "ReadOnlyRootFilesystem may not be nil and must be set to true");
      } else if (!reads_only->as_bool()) {
        invalid(field + ".readOnlyRootFilesystem", "false",
                "ReadOnlyRootFilesystem must be set to true");
      }
    }
    if (rules_.bool_at("allowPrivilegeEscalation", true)) return;
    const auto* escalates = context_of(container, "allowPrivilegeEscalation");
    if (escalates == nullptr || escalates->as_bool()) {
      invalid(field + ".allowPrivilegeEscalation", escalates == nullptr ? kNull : "true",
              "Allowing privilege escalation for containers is not allowed");
    }
  }

  const PodPolicy& policy_;
  const api::Value& rules_;
  const api::Value& pod_;
  const api::Value& spec_;
  std::vector<Cause> found_;
};

}  // namespace

std::vector<Cause> find_violations(const PodPolicy& policy, const api::Value& pod) {
  const auto* spec = pod.find("spec");
  return spec == nullptr ? std::vector<Cause>() : Inspector(policy, pod, *spec).inspect();
}

}  // namespace pinnace::apiserver
