// Security contexts of pods and containers: users, profiles, what an operating system has.
#include <algorithm>
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/internal_form.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/volume_sources.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::int64_t kMaxId = 2147483647;
constexpr std::size_t kMaxProfilePath = 4095, kMaxSysctlBytes = 253;

void validate_seccomp(const Field& profile) {
  if (!profile.is_set()) return;
  const Field type = profile["type"];
  const Field local = profile["localhostProfile"];
  if (type.require("type is required when seccompProfile is set")) {
    type.one_of({"Localhost", "RuntimeDefault", "Unconfined"});
  }
  if (!type.is("Localhost")) {
    if (local.is_set()) {
      local.invalid_value("{\"Type\":" + quoted(type.text()) +
                              ",\"LocalhostProfile\":" + quoted(local.text()) + "}",
                          "can only be set when seccomp type is Localhost");
    }
  } else if (!local.is_set()) {
    local.required("must be set when seccomp type is Localhost");
  } else {
    validate_descending_path(local);
  }
}

void validate_app_armor(const Field& profile) {
  if (!profile.is_set()) return;
  const Field type = profile["type"];
  const Field local = profile["localhostProfile"];
  if (!type.require("type is required when appArmorProfile is set")) return;
  if (!type.one_of({"Localhost", "RuntimeDefault", "Unconfined"})) return;
  if (!type.is("Localhost")) {
    if (local.is_set()) local.invalid("can only be set when AppArmor type is Localhost");
    return;
  }
  if (!local.is_set()) return local.required("must be set when AppArmor type is Localhost");
  const std::string_view path = trim(local.text());
  if (path != local.text()) {
    local.invalid("must not be padded with whitespace");
  } else if (path.empty()) {
    local.required("must be set when AppArmor type is Localhost");
  }
  if (local.text().size() > kMaxProfilePath) local.too_long(kMaxProfilePath);
}

// -- Windows

bool has_any(std::string_view text, std::string_view of) {
  return text.find_first_of(of) != std::string_view::npos;
}

bool is_netbios_name(std::string_view domain) {
  constexpr std::string_view kNever = "\\/:*?\"<>|";
  return !domain.empty() && domain.size() <= 15 && domain[0] != '.' && !has_any(domain, kNever);
}

// What stands after the domain.
void validate_windows_user(const Field& name, std::string_view user) {
  constexpr std::size_t kMaxUser = 104;
  if (user.empty()) {
    name.invalid("runAsUserName's User cannot be empty");
  } else if (user.size() > kMaxUser) {
    name.invalid("runAsUserName's User length must not be longer than 104 characters");
  }
  if (!user.empty() && user.find_first_not_of(". ") == std::string_view::npos) {
    name.invalid("runAsUserName's User cannot contain only periods or spaces");
  }
  if (has_any(user, "\"/\\:;|=,+*?<>@[]")) {
    name.invalid(
        "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
  }
}

void validate_windows_user_name(const Field& name) {
  constexpr std::size_t kMaxDomain = 256;
  if (!name.is_set()) return;
  const std::string_view text = name.text();
  if (text.empty()) return name.invalid("runAsUserName cannot be an empty string");
  const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (has_control) return name.invalid("runAsUserName cannot contain control characters");
  const auto parts = split(text, '\\');
  if (parts.size() > 2) return name.invalid("runAsUserName cannot contain more than one backslash");
  if (parts.size() == 2) {
    const std::string_view domain = parts[0];
    if (domain.size() >= kMaxDomain) {
      name.invalid("runAsUserName's Domain length must be under 256 characters");
    }
    if (!is_netbios_name(domain) && !api::check_dns1123_subdomain(to_lower(domain)).empty()) {
      name.invalid("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
    }
  }
  validate_windows_user(name, parts.back());
}

void validate_windows_options(const Field& options) {
  constexpr std::size_t kMaxSpecBytes = 64 << 10;
  const Field spec_name = options["gmsaCredentialSpecName"];
  const Field spec = options["gmsaCredentialSpec"];
  if (spec_name.is_set()) spec_name.each(api::check_dns1123_subdomain(spec_name.text()));
  if (spec.is_set() && spec.empty()) {
    spec.invalid("gmsaCredentialSpec cannot be an empty string");
  } else if (spec.text().size() > kMaxSpecBytes) {
    spec.invalid("gmsaCredentialSpec size must be under 64 KiB");
  }
  validate_windows_user_name(options["runAsUserName"]);
}

// -- What an operating system does not have

struct Unavailable {
  const char* member;
  bool below_context;             // Of securityContext; else of the spec.
  bool counts_when_false = true;  // To say no is to say something.
};
constexpr Unavailable kNotOnWindowsPods[] = {
    {"appArmorProfile", true},
    {"seLinuxOptions", true},
    {"hostUsers", false},
    {"hostPID", false, false},
    {"hostIPC", false, false},
    {"seccompProfile", true},
    {"fsGroup", true},
    {"fsGroupChangePolicy", true},
    {"sysctls", true},
    {"shareProcessNamespace", false},
    {"runAsUser", true},
    {"runAsGroup", true},
    {"supplementalGroups", true},
    {"supplementalGroupsPolicy", true},
    {"seLinuxChangePolicy", true},
};
constexpr const char* kNotInWindowsContainers[] = {"appArmorProfile",
                                                   "seLinuxOptions",
                                                   "seccompProfile",
                                                   "capabilities",
                                                   "readOnlyRootFilesystem",
                                                   "privileged",
                                                   "allowPrivilegeEscalation",
                                                   "procMount",
                                                   "runAsUser",
                                                   "runAsGroup"};

void validate_for_windows(const Field& spec) {
  constexpr const char* kNot = "cannot be set for a windows pod";
  for (const Unavailable& one : kNotOnWindowsPods) {
    const Field field = one.below_context ? spec["securityContext"][one.member] : spec[one.member];
    if (one.counts_when_false ? field.is_set() : !field.empty()) field.forbidden(kNot);
  }
  for (const Field& container : all_containers(spec)) {
    for (const char* member : kNotInWindowsContainers) {
      const Field field = container["securityContext"][member];
      if (field.is_set()) field.forbidden(kNot);
    }
  }
}

void validate_for_linux(const Field& spec) {
  constexpr const char* kNot = "windows options cannot be set for a linux pod";
  const Field own = spec["securityContext"]["windowsOptions"];
  if (own.is_set()) own.forbidden(kNot);
  for (const Field& container : all_containers(spec)) {
    const Field options = container["securityContext"]["windowsOptions"];
    if (options.is_set()) options.forbidden(kNot);
  }
}

// -- Pods

// Parts between dots or slashes: letters, digits, '-' and '_', the first and last no sign.
bool is_sysctl_name(std::string_view name) {
  if (name.size() > kMaxSysctlBytes) return false;
  bool starts = true;
  char before = '.';
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  for (const char c : name) {
    const bool separates = c == '.' || c == '/';
    if (separates ? !is_alphanumeric(before)
                  : !is_alphanumeric(c) && (starts || (c != '-' && c != '_'))) {
      return false;
    }
    starts = separates;
    before = c;
  }
  return is_alphanumeric(before);
}

// Namespaces of the kernel that a pod may share with the host, and the settings that live in them.
bool is_of_network(std::string_view name) { return name.starts_with("net."); }
bool is_of_ipc(std::string_view name) {
  if (name.starts_with("kernel.shm") || name.starts_with("kernel.msg") ||
      name.starts_with("fs.mqueue.")) {
    return true;
  }
  return name == "kernel.sem";
}

void validate_sysctls(const Field& spec) {
  std::set<std::string, std::less<>> names;
  for (const Field& sysctl : spec["securityContext"]["sysctls"].items()) {
    const Field name = sysctl["name"];
    std::string dotted(name.text());
    std::replace(dotted.begin(), dotted.end(), '/', '.');
    if (name.empty()) {
      name.required();
    } else if (!is_sysctl_name(name.text())) {
      name.invalid(
          "must have at most 253 characters and match regex "
          "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
    } else if (names.contains(name.text())) {
      name.duplicate();
    }
    names.emplace(name.text());
    if (spec["hostNetwork"].flag() && is_of_network(dotted)) {
      name.invalid("may not be specified when 'hostNetwork' is true");
    } else if (spec["hostIPC"].flag() && is_of_ipc(dotted)) {
      name.invalid("may not be specified when 'hostIPC' is true");
    }
  }
}

// -- Annotations of old that say the same as fields

constexpr std::string_view kSeccompPod = "seccomp.security.alpha.kubernetes.io/pod";
constexpr std::string_view kSeccompContainer = "container.seccomp.security.alpha.kubernetes.io/";
constexpr std::string_view kAppArmorContainer = "container.apparmor.security.beta.kubernetes.io/";

void validate_seccomp_text(const Field& text) {
  constexpr std::string_view kLocal = "localhost/";
  if (text.is_among({"runtime/default", "docker/default", "unconfined"})) return;
  if (!text.text().starts_with(kLocal)) return text.invalid("must be a valid seccomp profile");
  const api::Value path = api::Value::string_ref(text.text().substr(kLocal.size()));
  validate_descending_path(text.with(&path));
}

// Which of a profile's words say the same in an annotation.
struct ProfileWords {
  const char* name;  // In messages.
  std::initializer_list<std::string_view> defaults;
};

void validate_match(std::string_view annotation, const Field& profile, const ProfileWords& words) {
  constexpr std::string_view kLocal = "localhost/";
  const Field type = profile["type"];
  const std::string start(words.name);
  const bool is_local = annotation.starts_with(kLocal);
  const bool fits = type.is("Unconfined") ? annotation == "unconfined"
                    : type.is("RuntimeDefault")
                        ? std::find(words.defaults.begin(), words.defaults.end(), annotation) !=
                              words.defaults.end()
                    : type.is("Localhost") ? is_local
                                           : true;
  if (!fits) return type.forbidden(start + " type in annotation and field must match");
  const Field local = profile["localhostProfile"];
  if (type.is("Localhost") && annotation.substr(kLocal.size()) != local.text()) {
    local.forbidden(start + " profile in annotation and field must match");
  }
}

}  // namespace

void validate_container_security(const Field& context, bool uses_host_users) {
  if (!context.is_set()) return;
  context["runAsUser"].between(0, kMaxId);
  context["runAsGroup"].between(0, kMaxId);
  const Field proc = context["procMount"];
  if (proc.is_set() && !proc.is_among({"Default", "Unmasked"})) {
    proc.not_supported({"Default", "Unmasked"});
  }
  if (uses_host_users && proc.is("Unmasked")) {
    proc.invalid("`hostUsers` must be false to use `Unmasked`");
  }
  validate_seccomp(context["seccompProfile"]);
  if (!context["allowPrivilegeEscalation"].flag(true)) {
    const std::string shown = internal_form(context, "", "SecurityContext");
    if (context["privileged"].flag()) {
      context.invalid_value(
          shown, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    }
    for (const Field& capability : context["capabilities"]["add"].items()) {
      if (!capability.is("CAP_SYS_ADMIN")) continue;
      context.invalid_value(
          shown,
          "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
    }
  }
  validate_windows_options(context["windowsOptions"]);
  validate_app_armor(context["appArmorProfile"]);
}

void validate_pod_security(const Field& spec) {
  const Field context = spec["securityContext"];
  for (const char* id : {"fsGroup", "runAsUser", "runAsGroup"}) context[id].between(0, kMaxId);
  for (const Field& group : context["supplementalGroups"].items()) group.between(0, kMaxId);
  const Field shares = spec["shareProcessNamespace"];
  if (shares.flag() && spec["hostPID"].flag()) {
    shares.as(context["shareProcessNamespace"])
        .invalid("ShareProcessNamespace and HostPID cannot both be enabled");
  }
  validate_sysctls(spec);
  context["fsGroupChangePolicy"].one_of_if_set({"Always", "OnRootMismatch"});
  validate_seccomp(context["seccompProfile"]);
  validate_windows_options(context["windowsOptions"]);
  validate_app_armor(context["appArmorProfile"]);
  context["supplementalGroupsPolicy"].one_of_if_set({"Merge", "Strict"});
  context["seLinuxChangePolicy"].one_of_if_set({"Recursive"});
}

// Containers that run as the host's own processes.
void validate_host_process(const Field& spec) {
  const Field own = spec["securityContext"]["windowsOptions"]["hostProcess"];
  const auto containers = all_containers(spec);
  std::size_t count = 0;
  for (const Field& container : containers) {
    const Field said = container["securityContext"]["windowsOptions"]["hostProcess"];
    if (own.is_set() && said.is_set() && own.flag() != said.flag()) {
      said.invalid("pod hostProcess value must be identical if both are specified, was " +
                   std::string(own.flag() ? "true" : "false"));
    }
    if (said.flag(own.flag())) ++count;
  }
  if (count == 0) return;
  if (count != containers.size()) {
    spec.invalid_value("\"\"",
                       "If pod contains any hostProcess containers then all containers must be "
                       "HostProcess containers");
  }
  const Field network = spec["hostNetwork"];
  if (!network.flag()) {
    network.invalid_value("false",
                          "hostNetwork must be true if pod contains any hostProcess containers");
  }
}

void validate_host_users(const Field& spec) {
  constexpr const char* kNot = "when `hostUsers` is false";
  if (spec["hostUsers"].flag(true)) return;
  struct Shared {
    const char* member;
    const char* shown;
  };
  for (const Shared& shared : {Shared{"hostNetwork", "hostNetwork"}, Shared{"hostPID", "HostPID"},
                               Shared{"hostIPC", "HostIPC"}}) {
    if (spec[shared.member].flag()) spec[shared.shown].forbidden(kNot);
  }
  for (const Field& container : all_containers(spec)) {
    if (!container["volumeDevices"].empty()) container["volumeDevices"].forbidden(kNot);
  }
}

void validate_os(const Field& spec) {
  const Field os = spec["os"];
  if (!os.is_set()) return;
  const Field name = os["name"];
  if (!name.require()) return;
  if (!name.as(os).one_of({"linux", "windows"})) return;
  if (name.is("linux"))
    validate_for_linux(spec);
  else
    validate_for_windows(spec);
}

void validate_pod_annotations(const Field& annotations, const Field& spec) {
  const Field mirror = annotations.at_key("kubernetes.io/config.mirror");
  if (mirror.is_set() && spec["nodeName"].empty()) {
    mirror.invalid("must set spec.nodeName if mirror pod annotation is set");
  }
  const Field cost = annotations.at_key("controller.kubernetes.io/pod-deletion-cost");
  const auto number = parse_int(cost.text());
  const bool is_cost = number && *number >= -kMaxId - 1 && *number <= kMaxId &&
                       !cost.text().starts_with('+') && std::to_string(*number) == cost.text();
  if (cost.is_set() && !is_cost) cost.invalid("must be a 32bit integer");
  for (const auto& [key, value] : annotations.entries()) {
    if (key == kSeccompPod || key.starts_with(kSeccompContainer)) {
      validate_seccomp_text(value.as(annotations.path() + "." + std::string(key)));
    }
  }
  std::set<std::string_view> containers;
  for (const Field& one : all_containers(spec)) containers.insert(one["name"].text());
  for (const auto& [key, value] : annotations.entries()) {
    if (!key.starts_with(kAppArmorContainer)) continue;
    const std::string_view name = key.substr(kAppArmorContainer.size());
    if (!containers.contains(name)) value.invalid_value(quoted(name), "container not found");
    if (!value.is_among({"", "runtime/default", "unconfined"}) &&
        !value.text().starts_with("localhost/")) {
      value.invalid("invalid AppArmor profile name: " + quoted(value.text()));
    }
  }
}

void validate_profile_annotations(const Field& annotations, const Field& spec) {
  if (annotations.empty()) return;
  const ProfileWords seccomp{"seccomp", {"runtime/default", "docker/default"}};
  const ProfileWords app_armor{"apparmor", {"runtime/default"}};
  const Field pod_context = spec["securityContext"];
  const Field own = annotations.at_key(kSeccompPod);
  if (own.is_set() && pod_context["seccompProfile"].is_set()) {
    validate_match(own.text(), pod_context["seccompProfile"], seccomp);
  }
  for (const Field& container : all_containers(spec)) {
    const std::string name(container["name"].text());
    const Field context = container["securityContext"];
    const Field filter = annotations.at_key(std::string(kSeccompContainer) + name);
    if (filter.is_set() && context["seccompProfile"].is_set()) {
      validate_match(filter.text(), context["seccompProfile"], seccomp);
    }
    const Field said = annotations.at_key(std::string(kAppArmorContainer) + name);
    const Field profile = context["appArmorProfile"];
    if (!said.is_set() || spec["os"]["name"].is("windows")) continue;
    validate_match(said.text(),
                   profile.is_set() ? profile : pod_context["appArmorProfile"].as(profile),
                   app_armor);
  }
}

}  // namespace pinnace::apiserver
