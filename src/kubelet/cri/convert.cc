#include "kubelet/cri/convert.h"

namespace pinnace::kubelet::cri {
namespace {

void copy(const Labels& from, google::protobuf::Map<std::string, std::string>& to) {
  for (const auto& [key, value] : from) to[key] = value;
}
Labels copy(const google::protobuf::Map<std::string, std::string>& from) {
  Labels to;
  for (const auto& [key, value] : from) to.emplace(key, value);
  return to;
}
template <typename Range, typename Repeated>
void copy(const Range& from, Repeated& to) {
  for (const auto& value : from) *to.Add() = value;
}

void to_message(const Namespaces& from, pb::NamespaceOption& to) {
  to.set_network(static_cast<pb::NamespaceMode>(from.network));
  to.set_pid(static_cast<pb::NamespaceMode>(from.pid));
  to.set_ipc(static_cast<pb::NamespaceMode>(from.ipc));
  to.set_target_id(from.target_id);
}
void to_message(const Seccomp& from, pb::SecurityProfile& to) {
  to.set_profile_type(static_cast<pb::SecurityProfile::ProfileType>(from.type));
  to.set_localhost_ref(from.localhost_ref);
}

}  // namespace

void to_message(const SandboxConfig& config, pb::PodSandboxConfig& out) {
  auto& metadata = *out.mutable_metadata();
  metadata.set_name(config.name);
  metadata.set_uid(config.uid);
  metadata.set_namespace_(config.ns);
  metadata.set_attempt(config.attempt);
  out.set_hostname(config.hostname);
  out.set_log_directory(config.log_directory);
  if (config.dns) {
    auto& dns = *out.mutable_dns_config();
    copy(config.dns->servers, *dns.mutable_servers());
    copy(config.dns->searches, *dns.mutable_searches());
    copy(config.dns->options, *dns.mutable_options());
  }
  copy(config.labels, *out.mutable_labels());
  copy(config.annotations, *out.mutable_annotations());
  auto& linux_part = *out.mutable_linux();
  linux_part.set_cgroup_parent(config.cgroup_parent);
  copy(config.sysctls, *linux_part.mutable_sysctls());
  auto& security = *linux_part.mutable_security_context();
  to_message(config.namespaces, *security.mutable_namespace_options());
  security.set_privileged(config.privileged);
  to_message(config.seccomp, *security.mutable_seccomp());
}

void to_message(const ContainerConfig& config, pb::ContainerConfig& out) {
  out.mutable_metadata()->set_name(config.name);
  out.mutable_metadata()->set_attempt(config.attempt);
  out.mutable_image()->set_image(config.image_ref);
  copy(config.command, *out.mutable_command());
  copy(config.args, *out.mutable_args());
  out.set_working_dir(config.working_dir);
  for (const auto& [key, value] : config.env) {
    auto& pair = *out.add_envs();
    pair.set_key(key);
    pair.set_value(value);
  }
  for (const Mount& mount : config.mounts) {
    auto& to = *out.add_mounts();
    to.set_container_path(mount.container_path);
    to.set_host_path(mount.host_path);
    to.set_readonly(mount.read_only);
    to.set_propagation(static_cast<pb::MountPropagation>(mount.propagation));
  }
  copy(config.labels, *out.mutable_labels());
  copy(config.annotations, *out.mutable_annotations());
  out.set_log_path(config.log_path);
  out.set_stdin(config.stdin_open);
  out.set_stdin_once(config.stdin_once);
  out.set_tty(config.tty);
  auto& resources = *out.mutable_linux()->mutable_resources();
  resources.set_cpu_period(config.resources.cpu_period);
  resources.set_cpu_quota(config.resources.cpu_quota);
  resources.set_cpu_shares(config.resources.cpu_shares);
  resources.set_memory_limit_in_bytes(config.resources.memory_limit_bytes);
  resources.set_oom_score_adj(config.resources.oom_score_adj);
  auto& security = *out.mutable_linux()->mutable_security_context();
  copy(config.add_capabilities, *security.mutable_capabilities()->mutable_add_capabilities());
  copy(config.drop_capabilities, *security.mutable_capabilities()->mutable_drop_capabilities());
  security.set_privileged(config.privileged);
  to_message(config.namespaces, *security.mutable_namespace_options());
  if (config.run_as_user) security.mutable_run_as_user()->set_value(*config.run_as_user);
  if (config.run_as_group) security.mutable_run_as_group()->set_value(*config.run_as_group);
  security.set_readonly_rootfs(config.read_only_root);
  for (const std::int64_t group : config.supplemental_groups) {
    security.add_supplemental_groups(group);
  }
  security.set_no_new_privs(config.no_new_privileges);
  copy(config.masked_paths, *security.mutable_masked_paths());
  copy(config.read_only_paths, *security.mutable_readonly_paths());
  to_message(config.seccomp, *security.mutable_seccomp());
}

Sandbox from_message(const pb::PodSandbox& in) {
  Sandbox out;
  out.id = in.id();
  out.name = in.metadata().name();
  out.uid = in.metadata().uid();
  out.ns = in.metadata().namespace_();
  out.attempt = in.metadata().attempt();
  out.ready = in.state() == pb::SANDBOX_READY;
  out.created_at_ns = in.created_at();
  out.labels = copy(in.labels());
  out.annotations = copy(in.annotations());
  return out;
}

SandboxStatus from_message(const pb::PodSandboxStatus& in) {
  SandboxStatus out;
  out.ready = in.state() == pb::SANDBOX_READY;
  if (!in.network().ip().empty()) out.ips.push_back(in.network().ip());
  for (const auto& more : in.network().additional_ips()) out.ips.push_back(more.ip());
  return out;
}

Container from_message(const pb::Container& in) {
  Container out;
  out.id = in.id();
  out.sandbox_id = in.pod_sandbox_id();
  out.name = in.metadata().name();
  out.attempt = in.metadata().attempt();
  out.image = in.image().image();
  out.image_ref = in.image_ref();
  out.state = static_cast<ContainerState>(in.state());
  out.created_at_ns = in.created_at();
  out.labels = copy(in.labels());
  out.annotations = copy(in.annotations());
  return out;
}

ContainerStatus from_message(const pb::ContainerStatus& in) {
  ContainerStatus out;
  out.id = in.id();
  out.name = in.metadata().name();
  out.attempt = in.metadata().attempt();
  out.state = static_cast<ContainerState>(in.state());
  out.created_at_ns = in.created_at();
  out.started_at_ns = in.started_at();
  out.finished_at_ns = in.finished_at();
  out.exit_code = in.exit_code();
  out.image = in.image().image();
  out.image_ref = in.image_ref();
  out.reason = in.reason();
  out.message = in.message();
  out.labels = copy(in.labels());
  out.annotations = copy(in.annotations());
  out.log_path = in.log_path();
  return out;
}

Image from_message(const pb::Image& in) {
  Image out;
  out.id = in.id();
  out.tags.assign(in.repo_tags().begin(), in.repo_tags().end());
  out.digests.assign(in.repo_digests().begin(), in.repo_digests().end());
  out.size_bytes = in.size();
  if (in.has_uid()) out.uid = in.uid().value();
  out.username = in.username();
  out.pinned = in.pinned();
  return out;
}

}  // namespace pinnace::kubelet::cri
