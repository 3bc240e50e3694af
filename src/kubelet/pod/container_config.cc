#include <algorithm>

#include "kubelet/pod/configs.h"
#include "kubelet/pod/plan.h"
#include "kubelet/pod/qos.h"

namespace pinnace::kubelet {
namespace {

// What containers must not see or change of the kernel.
constexpr const char* kMaskedPaths[] = {"/proc/asound",
                                        "/proc/acpi",
                                        "/proc/kcore",
                                        "/proc/keys",
                                        "/proc/latency_stats",
                                        "/proc/timer_list",
                                        "/proc/timer_stats",
                                        "/proc/sched_debug",
                                        "/proc/scsi",
                                        "/sys/firmware",
                                        "/sys/devices/virtual/powercap"};
constexpr const char* kReadOnlyPaths[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                          "/proc/sysrq-trigger"};

cri::Seccomp seccomp_of(const core::SeccompProfile& profile, const std::string& root) {
  if (profile.type == "RuntimeDefault") return {cri::SeccompType::kRuntimeDefault, ""};
  if (profile.type == "Localhost") {
    return {cri::SeccompType::kLocalhost, root + '/' + profile.localhost_profile.value_or("")};
  }
  return {cri::SeccompType::kUnconfined, ""};
}

// The container's own setting wins over the pod's.
class SecuritySettings {
 public:
  SecuritySettings(const core::PodSpec& spec, const core::Container& container)
      : pod_(spec.security_context ? &*spec.security_context : nullptr),
        own_(container.security_context ? &*container.security_context : nullptr) {}

  template <typename PodField, typename OwnField>
  auto pick(PodField pod_field, OwnField own_field) const
      -> std::remove_cvref_t<decltype(std::declval<core::SecurityContext>().*own_field)> {
    if (own_ && own_->*own_field) return own_->*own_field;
    if (pod_) return pod_->*pod_field;
    return {};
  }
  const core::PodSecurityContext* pod() const { return pod_; }
  const core::SecurityContext* own() const { return own_; }

 private:
  const core::PodSecurityContext* pod_;
  const core::SecurityContext* own_;
};

Result<void> check_not_root(const ContainerInput& in, const cri::ContainerConfig& out) {
  const std::string where = " (pod: \"" + in.pod.metadata.name + '_' + in.pod.metadata.namespace_ +
                            '(' + in.pod.metadata.uid + ")\", container: " + in.container.name +
                            ')';
  if (out.run_as_user) {
    if (*out.run_as_user != 0) return {};
    return errors::bad_request("container's runAsUser breaks non-root policy" + where);
  }
  if (!in.image) return {};
  if (in.image->uid && *in.image->uid != 0) return {};
  if (!in.image->username.empty()) {
    return errors::bad_request("container has runAsNonRoot and image has non-numeric user (" +
                               in.image->username + "), cannot verify user is non-root" + where);
  }
  return errors::bad_request("container has runAsNonRoot and image will run as root" + where);
}

Result<void> set_security(const ContainerInput& in, cri::ContainerConfig& out) {
  const auto& spec = in.pod.spec;
  const SecuritySettings settings(spec, in.container);
  using Pod = core::PodSecurityContext;
  using Own = core::SecurityContext;
  out.run_as_user = settings.pick(&Pod::run_as_user, &Own::run_as_user);
  out.run_as_group = settings.pick(&Pod::run_as_group, &Own::run_as_group);
  if (out.run_as_group && !out.run_as_user) {
    out.run_as_user = in.image && in.image->uid ? *in.image->uid : 0;
  }
  if (settings.pick(&Pod::run_as_non_root, &Own::run_as_non_root).value_or(false)) {
    if (auto checked = check_not_root(in, out); !checked) return checked;
  }
  if (const auto* pod = settings.pod()) {
    out.supplemental_groups.assign(pod->supplemental_groups.begin(),
                                   pod->supplemental_groups.end());
    if (pod->fs_group) out.supplemental_groups.push_back(*pod->fs_group);
  }
  if (const auto profile = settings.pick(&Pod::seccomp_profile, &Own::seccomp_profile)) {
    out.seccomp = seccomp_of(*profile, in.node.seccomp_root);
  }
  if (!settings.own() || settings.own()->proc_mount.value_or("Default") == "Default") {
    out.masked_paths.assign(std::begin(kMaskedPaths), std::end(kMaskedPaths));
    out.read_only_paths.assign(std::begin(kReadOnlyPaths), std::end(kReadOnlyPaths));
  }
  if (const auto* own = settings.own()) {
    out.privileged = own->privileged.value_or(false);
    out.read_only_root = own->read_only_root_filesystem.value_or(false);
    out.no_new_privileges = own->allow_privilege_escalation && !*own->allow_privilege_escalation;
    if (own->capabilities) {
      out.add_capabilities = own->capabilities->add;
      out.drop_capabilities = own->capabilities->drop;
    }
  }
  return {};
}

}  // namespace

Result<cri::ContainerConfig> container_config(const ContainerInput& in) {
  const auto& meta = in.pod.metadata;
  const auto& spec = in.pod.spec;
  const auto& container = in.container;
  cri::ContainerConfig out;
  out.name = container.name;
  out.attempt = in.restart_count;
  out.image_ref = in.image_ref;
  for (const auto& word : container.command) {
    out.command.push_back(expand_variables(word, in.environment));
  }
  for (const auto& word : container.args) {
    out.args.push_back(expand_variables(word, in.environment));
  }
  out.working_dir = container.working_dir;
  out.env.assign(in.environment.begin(), in.environment.end());
  out.mounts = in.mounts;
  out.labels = {{std::string(kPodNameLabel), meta.name},
                {std::string(kPodNamespaceLabel), meta.namespace_},
                {std::string(kPodUidLabel), meta.uid},
                {std::string(kContainerNameLabel), container.name}};
  out.annotations = {{std::string(kHashAnnotation), container_hash(container)},
                     {std::string(kRestartCountAnnotation), std::to_string(in.restart_count)},
                     {std::string(kMessagePathAnnotation), container.termination_message_path},
                     {std::string(kMessagePolicyAnnotation), container.termination_message_policy},
                     {std::string(kGraceAnnotation),
                      std::to_string(spec.termination_grace_period_seconds.value_or(30))}};
  out.log_path = container.name + '/' + std::to_string(in.restart_count) + ".log";
  out.stdin_open = container.stdin;
  out.stdin_once = container.stdin_once;
  out.tty = container.tty;
  out.resources = container_resources(spec, container, in.node.memory_bytes);
  const cri::SandboxConfig sandbox = sandbox_config(in.pod, 0, in.node);
  out.namespaces = sandbox.namespaces;
  if (!in.shares_processes_of.empty()) {
    out.namespaces.pid = cri::NamespaceMode::kTarget;
    out.namespaces.target_id = in.shares_processes_of;
  }
  if (auto set = set_security(in, out); !set) return std::unexpected(std::move(set.error()));
  return out;
}

}  // namespace pinnace::kubelet
