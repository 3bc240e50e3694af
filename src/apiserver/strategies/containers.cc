// Containers of a pod: names, images, ports, mounts, restart rules.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/volume_sources.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxRestartRules = 20, kMaxExitCodes = 255;
using Texts = std::set<std::string, std::less<>>;

// What a container needs to know of its pod.
struct PodParts {
  const Field& spec;
  const VolumesByName& volumes;
  bool is_template;
  bool uses_host_users;
  std::optional<std::int64_t> grace_seconds;

  Field volume(std::string_view name) const {
    const auto found = volumes.find(name);
    return found == volumes.end() ? spec.with(nullptr) : found->second;
  }
};

// Names and numbers of one container's ports.
void validate_ports(const Field& ports) {
  Texts names;
  for (const Field& port : ports.items()) {
    const Field name = port["name"];
    if (!name.empty()) {
      const auto complaints = api::check_port_name(name.text());
      name.each(complaints);
      if (complaints.empty() && !names.emplace(name.text()).second) name.duplicate();
    }
    const Field number = port["containerPort"];
    if (number.require()) number.each(api::check_port_number(number.number()));
    const Field host = port["hostPort"];
    if (!host.empty()) host.each(api::check_port_number(host.number()));
    if (port["protocol"].require()) port["protocol"].one_of({"SCTP", "TCP", "UDP"});
  }
}

// Two containers of a pod cannot have the same port of the host.
void validate_host_ports(const Field& container, Texts& taken) {
  for (const Field& port : container["ports"].items()) {
    const Field host = port["hostPort"];
    if (host.number() == 0) continue;
    const std::string key = std::string(port["protocol"].text()) + "/" +
                            std::string(port["hostIP"].text()) + "/" +
                            std::to_string(host.number());
    if (!taken.insert(key).second) host.duplicate_value(quoted(key));
  }
}

// Complaints about these are about the whole list.
void validate_mount_flags(const Field& mount, const Field& mounts, bool is_privileged) {
  const Field propagation = mount["mountPropagation"].as(mounts["mountPropagation"]);
  propagation.one_of_if_set({"Bidirectional", "HostToContainer", "None"});
  if (propagation.is("Bidirectional") && !is_privileged) {
    propagation.forbidden(
        "Bidirectional mount propagation is available only to privileged containers");
  }
  const Field recursive = mount["recursiveReadOnly"].as(mounts["recursiveReadOnly"]);
  recursive.one_of_if_set({"Disabled", "Enabled", "IfPossible"});
  if (!recursive.is_among({"Enabled", "IfPossible"})) return;
  if (!mount["readOnly"].flag()) {
    recursive.forbidden("may only be specified when readOnly is true");
  }
  if (propagation.is_set() && !propagation.is("None")) {
    recursive.forbidden("may only be specified when mountPropagation is None or not specified");
  }
}

void validate_sub_paths(const Field& mount, const Field& mounts) {
  const Field sub = mount["subPath"];
  const Field expression = mount["subPathExpr"];
  if (!sub.empty()) validate_descending_path(sub.as(mounts["subPath"]));
  if (expression.empty()) return;
  if (!sub.empty()) expression.invalid("subPathExpr and subPath are mutually exclusive");
  validate_descending_path(expression.as(mounts["subPathExpr"]));
}

void validate_mounts(const Field& container, const PodParts& pod) {
  Texts paths;
  const Field mounts = container["volumeMounts"];
  const Field devices = container["volumeDevices"];
  const bool is_privileged = container["securityContext"]["privileged"].flag();
  const auto device_names = devices.texts_of_items("name");
  const auto device_paths = devices.texts_of_items("devicePath");
  for (const Field& mount : mounts.items()) {
    const Field name = mount["name"];
    const Field path = mount["mountPath"];
    const Field volume = pod.volume(name.text());
    name.require();
    if (!volume.is_set()) name.not_found();
    path.require();
    if (!paths.emplace(path.text()).second) path.invalid("must be unique");
    if (device_names.contains(name.text())) {
      name.invalid("must not already exist in volumeDevices");
    }
    if (device_paths.contains(path.text())) {
      path.invalid("must not already exist as a path in volumeDevices");
    }
    validate_sub_paths(mount, mounts);
    validate_mount_flags(mount, mounts, is_privileged);
  }
}

void validate_devices(const Field& container, const PodParts& pod) {
  Texts names, paths;
  const auto mount_names = container["volumeMounts"].texts_of_items("name");
  const auto mount_paths = container["volumeMounts"].texts_of_items("mountPath");
  for (const Field& device : container["volumeDevices"].items()) {
    const Field name = device["name"];
    const Field path = device["devicePath"];
    const Field volume = pod.volume(name.text());
    if (name.require() && !names.emplace(name.text()).second) name.invalid("must be unique");
    if (!volume.is_set()) {
      name.not_found();
    } else if (!volume["persistentVolumeClaim"].is_set() && !volume["ephemeral"].is_set()) {
      name.invalid(
          "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
    }
    path.require();
    if (paths.contains(path.text())) path.invalid("must be unique");
    const auto parts = split(path.text(), '/');
    if (std::find(parts.begin(), parts.end(), "..") != parts.end()) {
      path.invalid("can not contain backsteps ('..')");
    } else {
      paths.emplace(path.text());
    }
    if (mount_names.contains(name.text())) {
      name.invalid("must not already exist in volumeMounts");
    }
    if (mount_paths.contains(path.text())) {
      path.invalid("must not already exist as a path in volumeMounts");
    }
  }
}

void validate_resize_policy(const Field& policies, const PodParts& pod) {
  Texts seen;
  const bool never_restarts = pod.spec["restartPolicy"].is("Never");
  for (const Field& policy : policies.items()) {
    const Field resource = policy["resourceName"].as(policies);
    const Field restart = policy["restartPolicy"].as(policies);
    if (!seen.emplace(resource.text()).second) {
      policy.duplicate_value(quoted(resource.text()));
    }
    if (resource.require()) resource.one_of({"cpu", "memory"});
    if (restart.require()) restart.one_of({"NotRequired", "RestartContainer"});
    if (never_restarts && !restart.is("NotRequired")) {
      restart.invalid("must be 'NotRequired' when `restartPolicy` is 'Never'");
    }
  }
}

// What containers of every sort share.
void validate_container(const Field& container, const PodParts& pod) {
  const Field name = container["name"];
  if (name.require()) name.each(api::check_dns1123_label(name.text()));
  const Field image = container["image"];
  image.require();
  const Field message = container["terminationMessagePolicy"];
  if (message.require()) message.one_of({"File", "FallbackToLogsOnError"});
  validate_ports(container["ports"]);
  validate_env(container["env"]);
  validate_env_from(container["envFrom"]);
  validate_mounts(container, pod);
  validate_devices(container, pod);
  const Field pull = container["imagePullPolicy"];
  if (pull.require()) pull.one_of({"Always", "IfNotPresent", "Never"});
  validate_container_resources(container["resources"], pod.spec["resourceClaims"]);
  validate_resize_policy(container["resizePolicy"], pod);
  validate_container_security(container["securityContext"], pod.uses_host_users);
}

void validate_image(const Field& container) {
  const Field image = container["image"];
  if (trim(image.text()).size() == image.text().size()) return;
  image.invalid("must not have leading or trailing whitespace");
}

void validate_restart_rule(const Field& rule) {
  const Field action = rule["action"];
  const Field codes = rule["exitCodes"];
  if (!action.is("Restart")) action.not_supported_value(quoted(action.text()), {"Restart"});
  if (!codes.is_set()) return codes.required("must be specified");
  const Field op = codes["operator"];
  if (!op.is_among({"In", "NotIn"})) {
    op.not_supported_value(quoted(op.text()), {"In", "NotIn"});
  }
  if (codes["values"].size() > kMaxExitCodes) codes["values"].too_long(kMaxExitCodes);
}

// When a container is started again, beside what its pod says.
void validate_restart(const Field& container, bool is_init) {
  const Field policy = container["restartPolicy"];
  const Field rules = container["restartPolicyRules"];
  if (!policy.is_set() && !rules.empty()) {
    policy.required("must specify restartPolicy when restart rules are used");
    if (is_init) return;
  }
  if (is_init && policy.is("Always")) {
    if (rules.empty()) return;
    return rules.forbidden(
        "restartPolicyRules are not allowed for init containers with restart policy Always");
  }
  if (policy.is_set() && !policy.is_among({"Always", "Never", "OnFailure"})) {
    policy.not_supported({"Always", "Never", "OnFailure"});
  }
  if (rules.size() > kMaxRestartRules) rules.too_long(kMaxRestartRules);
  for (const Field& rule : rules.items()) validate_restart_rule(rule);
}

void validate_regular(const PodParts& pod) {
  const Field containers = pod.spec["containers"];
  if (containers.empty()) return containers.required();
  Texts names, host_ports;
  for (const Field& container : containers.items()) {
    validate_container(container, pod);
    const Field name = container["name"];
    if (!names.emplace(name.text()).second) name.duplicate();
    validate_probes(container, pod.grace_seconds);
    validate_restart(container, false);
  }
  for (const Field& container : containers.items()) validate_host_ports(container, host_ports);
}

void validate_init(const PodParts& pod) {
  Texts names;
  for (const Field& container : pod.spec["containers"].items()) {
    names.emplace(container["name"].text());
  }
  const Field list = pod.spec["initContainers"];
  for (const Field& container : list.items()) {
    validate_container(container, pod);
    validate_restart(container, true);
    const Field name = container["name"];
    if (names.contains(name.text())) {
      name.duplicate();
    } else if (!name.empty()) {
      names.emplace(name.text());
    }
    Texts host_ports;  // They run one after the other, and are each complained about as the first.
    validate_host_ports(container.as(list.at(0)), host_ports);
    if (container["restartPolicy"].is("Always")) {
      validate_probes(container, pod.grace_seconds);
      continue;
    }
    for (const char* key : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
      if (!container[key].is_set()) continue;
      container[key].forbidden("may not be set for init containers without restartPolicy=Always");
    }
  }
}

// What only containers have that are there for good.
struct NotEphemeral {
  const char* member;
  bool counts_when_empty = true;
};
constexpr NotEphemeral kNotEphemeral[] = {
    {"ports", false},
    {"resources", false},
    {"resizePolicy", false},
    {"restartPolicy"},
    {"restartPolicyRules", false},
    {"livenessProbe"},
    {"readinessProbe"},
    {"startupProbe"},
    {"lifecycle"},
};

void validate_ephemeral(const PodParts& pod) {
  constexpr const char* kNot = "cannot be set for an Ephemeral Container";
  Texts names;
  for (const char* list : {"containers", "initContainers"}) {
    for (const Field& container : pod.spec[list].items()) names.emplace(container["name"].text());
  }
  const Texts targets = names;
  for (const Field& container : pod.spec["ephemeralContainers"].items()) {
    validate_container(container, pod);
    validate_image(container);
    const Field name = container["name"];
    if (!names.emplace(name.text()).second) name.duplicate();
    const Field target = container["targetContainerName"];
    if (!target.empty() && !targets.contains(target.text())) target.not_found();
    for (const NotEphemeral& one : kNotEphemeral) {
      const Field field = container[one.member];
      if (one.counts_when_empty ? field.is_set() : !field.empty()) field.forbidden(kNot);
    }
    for (const Field& mount : container["volumeMounts"].items()) {
      for (const char* key : {"subPath", "subPathExpr"}) {
        if (!mount[key].empty()) mount[key].forbidden(kNot);
      }
    }
  }
}

void validate_host_network_ports(const PodParts& pod) {
  if (!pod.spec["hostNetwork"].flag()) return;
  for (const Field& container : pod.spec["containers"].items()) {
    for (const Field& port : container["ports"].items()) {
      const Field host = port["hostPort"];
      // A template's ports are filled in when its pods are made.
      const bool is_said = !pod.is_template || host.number() != 0;
      if (!is_said || host.number() == port["containerPort"].number()) continue;
      host.invalid_value(std::to_string(host.number()),
                         "must match `containerPort` when `hostNetwork` is true");
    }
  }
}

}  // namespace

std::vector<Field> all_containers(const Field& spec) {
  std::vector<Field> all;
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    for (Field& container : spec[list].items()) all.push_back(std::move(container));
  }
  return all;
}

void validate_containers(const Field& spec, const VolumesByName& volumes, bool is_template) {
  const Field grace = spec["terminationGracePeriodSeconds"];
  const PodParts pod{spec, volumes, is_template, spec["hostUsers"].flag(true),
                     grace.is_set() ? std::optional(grace.number()) : std::nullopt};
  validate_regular(pod);
  validate_init(pod);
  validate_ephemeral(pod);
  validate_pod_resources(spec);
  validate_host_network_ports(pod);
}

void validate_images_of_pod(const Field& spec) {
  for (const char* list : {"containers", "initContainers"}) {
    for (const Field& container : spec[list].items()) validate_image(container);
  }
}

}  // namespace pinnace::apiserver
