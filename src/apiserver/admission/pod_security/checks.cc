#include "apiserver/admission/pod_security/checks.h"

#include <algorithm>
#include <functional>

#include "apiserver/admission/pod_fields.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using Names = std::vector<std::string>;

struct Pod {
  const api::Value* meta;
  const api::Value* spec;
};

// What one check finds: nothing, or a reason with details.
struct Finding {
  std::string reason, detail;
  bool empty() const { return reason.empty(); }
};

std::string quoted_list(const Names& names) {
  std::string out;
  for (const auto& name : names) (out += out.empty() ? "" : ", ") += "\"" + name + "\"";
  return out;
}

std::string plural(const Names& names, std::string_view one, std::string_view many) {
  return std::string(names.size() == 1 ? one : many);
}

// container "a"; containers "a", "b"
std::string containers(const Names& names) {
  return plural(names, "container ", "containers ") + quoted_list(names);
}

// As a set that is told in order.
void add_once(Names& all, std::string_view one) {
  const auto at = std::ranges::lower_bound(all, one);
  if (at == all.end() || *at != one) all.emplace(at, one);
}

using VisitContainer = std::function<void(const std::string&, const api::Value&)>;
void each_container(const Pod& pod, const VisitContainer& visit) {
  for (const auto& list : kContainerLists) {
    for (const auto& container : items_at(pod.spec, list.field)) {
      visit(std::string(container.string_at("name")), container);
    }
  }
}

const api::Value* context_of(const api::Value* holder) {
  return holder == nullptr ? nullptr : holder->find("securityContext");
}

// A member of the pod's or container's security context, down a path.
const api::Value* in_context(const api::Value* holder,
                             std::initializer_list<std::string_view> path) {
  const auto* context = context_of(holder);
  return context == nullptr ? nullptr : context->find_path(path);
}

bool is_windows(const Pod& pod) {
  const auto* name = pod.spec == nullptr ? nullptr : pod.spec->find_path({"os", "name"});
  return name != nullptr && name->is_string() && name->as_string() == "windows";
}

bool allows(std::initializer_list<std::string_view> allowed, std::string_view text) {
  return std::ranges::find(allowed, text) != allowed.end();
}

// A pod in a user namespace of its own is root in there alone.
bool has_own_users(const Pod& pod) {
  const auto* host_users = pod.spec == nullptr ? nullptr : pod.spec->find("hostUsers");
  return host_users != nullptr && host_users->is_bool() && !host_users->as_bool();
}

// The pod and the containers that have set something, as the subject of a sentence.
std::string who(bool is_pod, const Names& names) {
  if (names.empty()) return "pod";
  return (is_pod ? "pod and " : "") + containers(names);
}

// -- Baseline

Finding check_app_armor(const Pod& pod, int) {
  constexpr std::string_view kPrefix = "container.apparmor.security.beta.kubernetes.io/";
  Names values, annotated, names, setters;
  const auto look = [&](const api::Value* holder) {
    const auto* type = in_context(holder, {"appArmorProfile", "type"});
    if (type == nullptr || !type->is_string()) return false;
    if (allows({"RuntimeDefault", "Localhost"}, type->as_string())) return false;
    add_once(values, type->as_string());
    return true;
  };
  if (look(pod.spec)) setters.emplace_back("pod");
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    if (look(&container)) names.push_back(name);
  });
  if (!names.empty()) setters.push_back(containers(names));
  for (const auto& [key, value] : members_at(pod.meta, "annotations")) {
    if (!key.starts_with(kPrefix) || !value.is_string()) continue;
    const std::string_view profile = value.as_string();
    if (profile.empty() || profile == "runtime/default" || profile.starts_with("localhost/")) {
      continue;
    }
    add_once(annotated, std::string(key) + "=" + quoted(profile));
  }
  if (!annotated.empty()) setters.push_back(plural(annotated, "annotation", "annotations"));
  if (setters.empty()) return {};
  values.insert(values.end(), annotated.begin(), annotated.end());
  return {plural(values, "forbidden AppArmor profile", "forbidden AppArmor profiles"),
          join(setters, " and ") + " must not set AppArmor profile type to " + quoted_list(values)};
}

// The containers that add a capability that is not allowed.
void stray_capabilities(const Pod& pod, std::initializer_list<std::string_view> allowed,
                        Names& who_adds, Names& added) {
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    bool is_stray = false;
    const auto* capabilities = in_context(&container, {"capabilities"});
    for (const auto& one : items_at(capabilities, "add")) {
      if (!one.is_string() || allows(allowed, one.as_string())) continue;
      is_stray = true;
      add_once(added, one.as_string());
    }
    if (is_stray) who_adds.push_back(name);
  });
}

Finding check_capabilities(const Pod& pod, int) {
  Names who_adds, added;
  stray_capabilities(pod,
                     {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
                      "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"},
                     who_adds, added);
  if (who_adds.empty()) return {};
  return {"non-default capabilities", containers(who_adds) + " must not include " +
                                          quoted_list(added) +
                                          " in securityContext.capabilities.add"};
}

Finding check_host_namespaces(const Pod& pod, int) {
  Names set;
  for (const char* key : {"hostNetwork", "hostPID", "hostIPC"}) {
    if (pod.spec != nullptr && pod.spec->bool_at(key)) set.push_back(std::string(key) + "=true");
  }
  return set.empty() ? Finding() : Finding{"host namespaces", join(set, ", ")};
}

Finding check_host_path(const Pod& pod, int) {
  Names names;
  for (const auto& volume : items_at(pod.spec, "volumes")) {
    if (volume.find("hostPath") != nullptr) names.emplace_back(volume.string_at("name"));
  }
  if (names.empty()) return {};
  return {"hostPath volumes", plural(names, "volume ", "volumes ") + quoted_list(names)};
}

Finding check_host_ports(const Pod& pod, int) {
  Names who_uses, ports;
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    bool uses = false;
    for (const auto& port : items_at(&container, "ports")) {
      const std::int64_t number = port.int_at("hostPort");
      if (number == 0) continue;
      uses = true;
      add_once(ports, std::to_string(number));
    }
    if (uses) who_uses.push_back(name);
  });
  if (who_uses.empty()) return {};
  return {"hostPort", containers(who_uses) + plural(who_uses, " uses ", " use ") +
                          plural(ports, "hostPort ", "hostPorts ") + join(ports, ", ")};
}

// The hosts that probes and lifecycle hooks would reach out to.
Finding check_probe_hosts(const Pod& pod, int) {
  Names who_uses, hosts;
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    bool uses = false;
    const auto look = [&](const api::Value* handler) {
      if (handler == nullptr) return;
      for (const char* kind : {"httpGet", "tcpSocket"}) {
        const auto* action = handler->find(kind);
        const std::string_view host = action == nullptr ? "" : action->string_at("host");
        if (host.empty()) continue;
        uses = true;
        add_once(hosts, host);
      }
    };
    for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
      look(container.find(probe));
    }
    look(container.find_path({"lifecycle", "postStart"}));
    look(container.find_path({"lifecycle", "preStop"}));
    if (uses) add_once(who_uses, name);
  });
  if (who_uses.empty()) return {};
  return {"probe or lifecycle host", containers(who_uses) + plural(who_uses, " uses ", " use ") +
                                         "probe or lifecycle " + plural(hosts, "host ", "hosts ") +
                                         quoted_list(hosts)};
}

Finding check_privileged(const Pod& pod, int) {
  Names names;
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    const auto* context = context_of(&container);
    if (context != nullptr && context->bool_at("privileged")) names.push_back(name);
  });
  if (names.empty()) return {};
  return {"privileged", containers(names) + " must not set securityContext.privileged=true"};
}

Finding check_proc_mount(const Pod& pod, int) {
  Names names, values;
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    const auto* context = context_of(&container);
    const std::string_view mount = context == nullptr ? "" : context->string_at("procMount");
    if (mount.empty() || mount == "Default") return;
    names.push_back(name);
    add_once(values, mount);
  });
  if (names.empty()) return {};
  return {"procMount",
          containers(names) + " must not set securityContext.procMount to " + quoted_list(values)};
}

Finding check_proc_mount_of_host(const Pod& pod, int minor) {
  return minor >= 35 && has_own_users(pod) ? Finding() : check_proc_mount(pod, minor);
}

Finding check_selinux(const Pod& pod, int minor) {
  Names names, types;
  bool is_pod = false, sets_user = false, sets_role = false;
  const auto look = [&](const api::Value* holder) {
    const auto* options = in_context(holder, {"seLinuxOptions"});
    if (options == nullptr) return false;
    const std::string_view type = options->string_at("type");
    const bool is_known =
        allows({"", "container_t", "container_init_t", "container_kvm_t"}, type) ||
        (type == "container_engine_t" && minor >= 31);
    if (!is_known) add_once(types, type);
    const bool user = !options->string_at("user").empty();
    const bool role = !options->string_at("role").empty();
    sets_user = sets_user || user;
    sets_role = sets_role || role;
    return !is_known || user || role;
  };
  is_pod = look(pod.spec);
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    if (look(&container)) names.push_back(name);
  });
  if (!is_pod && names.empty()) return {};
  Names wrong;
  if (!types.empty()) wrong.push_back(plural(types, "type ", "types ") + quoted_list(types));
  if (sets_user) wrong.emplace_back("user may not be set");
  if (sets_role) wrong.emplace_back("role may not be set");
  return {"seLinuxOptions", who(is_pod, names) + " set forbidden securityContext.seLinuxOptions: " +
                                join(wrong, "; ")};
}

// Before 1.19 annotations said it.
Finding check_seccomp_annotations(const Pod& pod) {
  constexpr std::string_view kOfPod = "seccomp.security.alpha.kubernetes.io/pod";
  constexpr std::string_view kOfContainer = "container.seccomp.security.alpha.kubernetes.io/";
  Names wrong;
  const auto* annotations = pod.meta == nullptr ? nullptr : pod.meta->find("annotations");
  const auto look = [&](const std::string& key) {
    const auto* value = annotations == nullptr ? nullptr : annotations->find(key);
    if (value == nullptr || !value->is_string()) return;
    const std::string_view profile = value->as_string();
    if (allows({"runtime/default", "docker/default"}, profile)) return;
    if (!profile.starts_with("localhost/")) add_once(wrong, key + "=" + quoted(profile));
  };
  look(std::string(kOfPod));
  each_container(pod, [&](const std::string& name, const api::Value&) {
    look(std::string(kOfContainer) + name);
  });
  if (wrong.empty()) return {};
  return {"seccompProfile",
          "forbidden " + plural(wrong, "annotation ", "annotations ") + join(wrong, ", ")};
}

// The profiles that are set and not allowed.
bool stray_seccomp(const Pod& pod, Names& names, Names& values) {
  const auto look = [&](const api::Value* holder) {
    const auto* type = in_context(holder, {"seccompProfile", "type"});
    if (type == nullptr || !type->is_string()) return false;
    if (allows({"RuntimeDefault", "Localhost"}, type->as_string())) return false;
    add_once(values, type->as_string());
    return true;
  };
  const bool is_pod = look(pod.spec);
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    if (look(&container)) names.push_back(name);
  });
  return is_pod;
}

Finding check_seccomp(const Pod& pod, int minor) {
  if (minor < 19) return check_seccomp_annotations(pod);
  Names names, values;
  const bool is_pod = stray_seccomp(pod, names, values);
  if (!is_pod && names.empty()) return {};
  return {"seccompProfile", who(is_pod, names) +
                                " must not set securityContext.seccompProfile.type to " +
                                quoted_list(values)};
}

Finding check_sysctls(const Pod& pod, int minor) {
  struct Since {
    std::string_view name;
    int minor;
  };
  constexpr Since kAllowed[] = {
      {"kernel.shm_rmid_forced", 0},
      {"net.ipv4.ip_local_port_range", 0},
      {"net.ipv4.tcp_syncookies", 0},
      {"net.ipv4.ping_group_range", 0},
      {"net.ipv4.ip_unprivileged_port_start", 0},
      {"net.ipv4.ip_local_reserved_ports", 27},
      {"net.ipv4.tcp_keepalive_time", 29},
      {"net.ipv4.tcp_fin_timeout", 29},
      {"net.ipv4.tcp_keepalive_intvl", 29},
      {"net.ipv4.tcp_keepalive_probes", 29},
      {"net.ipv4.tcp_rmem", 32},
      {"net.ipv4.tcp_wmem", 32},
  };
  Names names;
  for (const auto& sysctl : items_at(context_of(pod.spec), "sysctls")) {
    const std::string_view name = sysctl.string_at("name");
    const bool is_allowed = std::ranges::any_of(
        kAllowed, [&](const Since& one) { return one.name == name && minor >= one.minor; });
    if (!is_allowed) names.emplace_back(name);
  }
  return names.empty() ? Finding() : Finding{"forbidden sysctls", join(names, ", ")};
}

Finding check_host_process(const Pod& pod, int) {
  const auto sets = [](const api::Value* holder) {
    const auto* options = in_context(holder, {"windowsOptions"});
    return options != nullptr && options->bool_at("hostProcess");
  };
  Names names;
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    if (sets(&container)) names.push_back(name);
  });
  const bool is_pod = sets(pod.spec);
  if (!is_pod && names.empty()) return {};
  return {"hostProcess",
          who(is_pod, names) + " must not set securityContext.windowsOptions.hostProcess=true"};
}

// -- Restricted

Finding check_escalation(const Pod& pod, int minor) {
  if (minor >= 25 && is_windows(pod)) return {};
  Names names;
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    const auto* context = context_of(&container);
    if (context == nullptr || context->bool_at("allowPrivilegeEscalation", true)) {
      names.push_back(name);
    }
  });
  if (names.empty()) return {};
  return {"allowPrivilegeEscalation != false",
          containers(names) + " must set securityContext.allowPrivilegeEscalation=false"};
}

Finding check_dropped_capabilities(const Pod& pod, int minor) {
  if (minor >= 25 && is_windows(pod)) return {};
  Names keeping, who_adds, added;
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    const auto* capabilities = in_context(&container, {"capabilities"});
    const bool drops_all = std::ranges::any_of(
        items_at(capabilities, "drop"),
        [](const api::Value& one) { return one.is_string() && one.as_string() == "ALL"; });
    if (!drops_all) keeping.push_back(name);
  });
  stray_capabilities(pod, {"NET_BIND_SERVICE"}, who_adds, added);
  Names details;
  if (!keeping.empty()) {
    details.push_back(containers(keeping) +
                      " must set securityContext.capabilities.drop=[\"ALL\"]");
  }
  if (!who_adds.empty()) {
    details.push_back(containers(who_adds) + " must not include " + quoted_list(added) +
                      " in securityContext.capabilities.add");
  }
  return details.empty() ? Finding() : Finding{"unrestricted capabilities", join(details, "; ")};
}

Finding check_volume_types(const Pod& pod, int) {
  Names names, types;
  for (const auto& volume : items_at(pod.spec, "volumes")) {
    for (const auto& member : volume.members()) {
      if (allows({"name", "configMap", "downwardAPI", "emptyDir", "projected", "secret", "csi",
                  "persistentVolumeClaim", "ephemeral", "image"},
                 member.key)) {
        continue;
      }
      names.emplace_back(volume.string_at("name"));
      add_once(types, member.key);
      break;
    }
  }
  if (names.empty()) return {};
  return {"restricted volume types",
          plural(names, "volume ", "volumes ") + quoted_list(names) +
              plural(names, " uses ", " use ") +
              plural(types, "restricted volume type ", "restricted volume types ") +
              quoted_list(types)};
}

Finding check_non_root(const Pod& pod, int minor) {
  if (minor >= 35 && has_own_users(pod)) return {};
  const auto flag = [](const api::Value* holder) {
    const auto* found = in_context(holder, {"runAsNonRoot"});
    return found != nullptr && found->is_bool() ? found : nullptr;
  };
  const auto* of_pod = flag(pod.spec);
  Names forbidden, silent;
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    const auto* own = flag(&container);
    if (own == nullptr)
      silent.push_back(name);
    else if (!own->as_bool())
      forbidden.push_back(name);
  });
  const bool pod_says = of_pod != nullptr && of_pod->as_bool();
  const bool pod_denies = of_pod != nullptr && !of_pod->as_bool();
  constexpr char kReason[] = "runAsNonRoot != true";
  if (pod_denies || !forbidden.empty()) {
    return {kReason,
            who(pod_denies, forbidden) + " must not set securityContext.runAsNonRoot=false"};
  }
  if (pod_says || silent.empty()) return {};
  return {kReason, "pod or " + containers(silent) + " must set securityContext.runAsNonRoot=true"};
}

Finding check_user(const Pod& pod, int minor) {
  if (minor >= 35 && has_own_users(pod)) return {};
  const auto is_root = [](const api::Value* holder) {
    const auto* user = in_context(holder, {"runAsUser"});
    return user != nullptr && user->is_int() && user->as_int() == 0;
  };
  Names names;
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    if (is_root(&container)) names.push_back(name);
  });
  const bool is_pod = is_root(pod.spec);
  if (!is_pod && names.empty()) return {};
  return {"runAsUser=0", who(is_pod, names) + " must not set runAsUser=0"};
}

Finding check_seccomp_set(const Pod& pod, int minor) {
  if (minor >= 25 && is_windows(pod)) return {};
  Names names, values;
  const bool is_pod = stray_seccomp(pod, names, values);
  if (is_pod || !names.empty()) return check_seccomp(pod, minor);
  if (in_context(pod.spec, {"seccompProfile", "type"}) != nullptr) return {};
  Names silent;
  each_container(pod, [&](const std::string& name, const api::Value& container) {
    if (in_context(&container, {"seccompProfile", "type"}) == nullptr) silent.push_back(name);
  });
  if (silent.empty()) return {};
  return {"seccompProfile",
          "pod or " + containers(silent) +
              " must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
              "\"Localhost\""};
}

struct Check {
  SecurityLevel level;
  int since;       // The minor version that brought it.
  int overridden;  // From here on the restricted level has a stricter one.
  Finding (*find)(const Pod&, int minor);
};
constexpr auto kBaseline = SecurityLevel::kBaseline, kRestricted = SecurityLevel::kRestricted;
constexpr int kNever = kLatestMinor + 1;

// In the order in which they are told.
constexpr Check kChecks[] = {
    {kBaseline, 0, kNever, check_app_armor},
    {kBaseline, 0, 22, check_capabilities},
    {kBaseline, 0, kNever, check_host_namespaces},
    {kBaseline, 0, 0, check_host_path},
    {kBaseline, 0, kNever, check_host_ports},
    {kBaseline, 34, kNever, check_probe_hosts},
    {kBaseline, 0, kNever, check_privileged},
    {kBaseline, 0, 35, check_proc_mount_of_host},
    {kBaseline, 0, kNever, check_selinux},
    {kBaseline, 0, 19, check_seccomp},
    {kBaseline, 0, kNever, check_sysctls},
    {kBaseline, 0, kNever, check_host_process},
    {kRestricted, 8, kNever, check_escalation},
    {kRestricted, 22, kNever, check_dropped_capabilities},
    {kRestricted, 35, kNever, check_proc_mount},
    {kRestricted, 0, kNever, check_volume_types},
    {kRestricted, 0, kNever, check_non_root},
    {kRestricted, 23, kNever, check_user},
    {kRestricted, 19, kNever, check_seccomp_set},
};

// Calls with each finding, in order.
template <typename Visit>
void each_finding(const SecurityPolicy& policy, const Pod& pod, const Visit& visit) {
  if (policy.level == SecurityLevel::kPrivileged) return;
  for (const Check& check : kChecks) {
    if (check.level > policy.level || policy.minor < check.since) continue;
    if (policy.level == kRestricted && policy.minor >= check.overridden) continue;
    if (const Finding finding = check.find(pod, policy.minor); !finding.empty()) visit(finding);
  }
}

}  // namespace

std::string_view level_name(SecurityLevel level) {
  return level == kRestricted ? "restricted" : level == kBaseline ? "baseline" : "privileged";
}

std::string SecurityPolicy::text() const {
  return std::string(level_name(level)) + ":" +
         (is_latest() ? "latest" : "v1." + std::to_string(minor));
}

Result<SecurityLevel> parse_security_level(std::string_view text) {
  for (const auto level : {SecurityLevel::kPrivileged, kBaseline, kRestricted}) {
    if (text == level_name(level)) return level;
  }
  return errors::bad_request("must be one of privileged, baseline, restricted");
}

Result<int> parse_security_version(std::string_view text) {
  if (text == "latest") return kLatestMinor;
  const std::string_view digits = text.starts_with("v1.") ? text.substr(3) : "";
  const bool has_leading_zero = digits.size() > 1 && digits[0] == '0';
  if (const auto minor = parse_uint(digits); minor && !has_leading_zero && *minor < kLatestMinor) {
    return static_cast<int>(*minor);
  }
  return errors::bad_request("must be \"latest\" or \"v1.x\"");
}

std::string security_violations(const SecurityPolicy& policy, const api::Value* meta,
                                const api::Value* spec) {
  std::string out;
  each_finding(policy, {meta, spec}, [&](const Finding& finding) {
    out += (out.empty() ? "" : ", ") + finding.reason + " (" + finding.detail + ")";
  });
  return out;
}

std::string security_reasons(const SecurityPolicy& policy, const api::Value* meta,
                             const api::Value* spec) {
  std::string out;
  each_finding(policy, {meta, spec},
               [&](const Finding& finding) { out += (out.empty() ? "" : ", ") + finding.reason; });
  return out;
}

}  // namespace pinnace::apiserver
