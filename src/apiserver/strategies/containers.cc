// Containers of a pod: names, images, ports, mounts, probes, lifecycle, resources.
#include <algorithm>
#include <array>
#include <set>

#include "api/quantity.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::int64_t kMaxId = 2147483647;
using Texts = std::set<std::string, std::less<>>;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// `list` has one entry for each handler that a probe or a lifecycle hook may have.
void validate_handler(const Field& handler, std::initializer_list<std::string_view> kinds) {
  std::size_t count = 0;
  for (const std::string_view kind : kinds) {
    const Field one = handler[kind];
    if (!one.is_set()) continue;
    if (++count > 1) one.forbidden("may not specify more than 1 handler type");
  }
  if (count == 0) handler.required("must specify a handler type");
  const Field exec = handler["exec"];
  if (exec.is_set()) exec["command"].require();
  const auto check_port = [](const Field& port) {
    if (!port.is_set()) return;
    port.each(port.value()->is_int() ? api::check_port_number(port.number())
                                     : api::check_port_name(port.text()));
  };
  const Field http = handler["httpGet"];
  if (http.is_set()) {
    http["path"].require();
    check_port(http["port"]);
    for (const Field& header : http["httpHeaders"].items()) {
      const Field name = header["name"];
      name.each(api::check_http_header_name(name.text()));
    }
  }
  check_port(handler["tcpSocket"]["port"]);
  const Field grpc = handler["grpc"];
  if (grpc.is_set()) grpc["port"].each(api::check_port_number(grpc["port"].number()));
}

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
    port["protocol"].require();
  }
}

// Two containers of a pod cannot have the same port of the host.
void validate_host_ports(const Field& containers, bool is_host_network, Texts& taken) {
  for (const Field& container : containers.items()) {
    for (const Field& port : container["ports"].items()) {
      const Field host = port["hostPort"];
      const std::int64_t number = host.number();
      if (is_host_network && number != port["containerPort"].number()) {
        port["containerPort"].invalid("must match `hostPort` when `hostNetwork` is true");
      }
      if (number == 0) continue;
      const std::string key = std::string(port["protocol"].text()) + "/" +
                              std::string(port["hostIP"].text()) + "/" + std::to_string(number);
      if (!taken.insert(key).second) host.duplicate_value(quoted(key));
    }
  }
}

void validate_relative_path(const Field& path) {
  if (path.text().starts_with('/')) path.invalid("must be a relative path");
  for (const std::string_view part : split(path.text(), '/')) {
    if (part == "..") return path.invalid("must not contain '..'");
  }
}

void validate_mounts(const Field& mounts, const Texts& volumes) {
  Texts paths;
  for (const Field& mount : mounts.items()) {
    const Field name = mount["name"];
    if (name.require() && !volumes.contains(name.text())) name.not_found();
    const Field path = mount["mountPath"];
    if (path.require() && !paths.emplace(path.text()).second) path.invalid("must be unique");
    const Field sub = mount["subPath"];
    const Field expression = mount["subPathExpr"];
    if (!sub.empty()) validate_relative_path(sub);
    if (!expression.empty()) {
      validate_relative_path(expression);
      if (!sub.empty()) expression.invalid("subPathExpr and subPath are mutually exclusive");
    }
  }
}

void validate_devices(const Field& devices, const Texts& volumes) {
  Texts names, paths;
  for (const Field& device : devices.items()) {
    const Field name = device["name"];
    const Field path = device["devicePath"];
    if (name.require()) {
      if (!names.emplace(name.text()).second) name.invalid("must be unique");
      if (!volumes.contains(name.text())) name.not_found();
    }
    if (path.require() && !paths.emplace(path.text()).second) path.invalid("must be unique");
  }
}

void validate_security_context(const Field& context) {
  if (!context.is_set()) return;
  context["runAsUser"].between(0, kMaxId);
  context["runAsGroup"].between(0, kMaxId);
  const Field escalation = context["allowPrivilegeEscalation"];
  if (escalation.flag(true)) return;
  if (context["privileged"].flag()) {
    context.invalid("cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  }
  for (const Field& capability : context["capabilities"]["add"].items()) {
    if (capability.text() != "CAP_SYS_ADMIN") continue;
    context.invalid(
        "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
  }
}

// What containers of every sort share.
void validate_container(const Field& container, const Texts& volumes) {
  const Field name = container["name"];
  if (name.require()) name.each(api::check_dns1123_label(name.text()));
  const Field image = container["image"];
  image.require();
  validate_ports(container["ports"]);
  validate_env(container["env"]);
  validate_env_from(container["envFrom"]);
  validate_mounts(container["volumeMounts"], volumes);
  validate_devices(container["volumeDevices"], volumes);
  validate_resources(container["resources"]);
  validate_security_context(container["securityContext"]);
}

void validate_probes(const Field& container) {
  validate_lifecycle(container["lifecycle"]);
  validate_probe(container["livenessProbe"], false);
  validate_probe(container["readinessProbe"], true);
  validate_probe(container["startupProbe"], false);
  for (const char* probe : {"livenessProbe", "startupProbe"}) {
    const Field successes = container[probe]["successThreshold"];
    if (successes.is_set() && successes.number() > 1) successes.invalid("must be 1");
  }
}

Texts volume_names(const Field& spec) {
  Texts names;
  for (const Field& volume : spec["volumes"].items()) names.emplace(volume["name"].text());
  return names;
}

}  // namespace

void validate_probe(const Field& probe, bool is_readiness) {
  if (!probe.is_set()) return;
  validate_handler(probe, {"exec", "httpGet", "tcpSocket", "grpc"});
  for (const char* key : {"initialDelaySeconds", "timeoutSeconds", "periodSeconds",
                          "successThreshold", "failureThreshold"}) {
    probe[key].at_least(0);
  }
  const Field grace = probe["terminationGracePeriodSeconds"];
  if (!grace.is_set()) return;
  if (grace.number() <= 0) grace.invalid("must be greater than 0");
  if (is_readiness) grace.invalid("must not be set for readinessProbes");
}

void validate_lifecycle(const Field& lifecycle) {
  for (const char* hook : {"postStart", "preStop"}) {
    const Field handler = lifecycle[hook];
    if (handler.is_set()) validate_handler(handler, {"exec", "httpGet", "tcpSocket", "sleep"});
  }
}

void validate_containers(const Field& spec) {
  const Field containers = spec["containers"];
  const Field inits = spec["initContainers"];
  const Texts volumes = volume_names(spec);
  Texts names, host_ports;
  if (containers.empty()) containers.required();
  for (const Field& container : containers.items()) {
    validate_container(container, volumes);
    validate_probes(container);
    const Field name = container["name"];
    if (!name.empty() && !names.emplace(name.text()).second) name.duplicate();
  }
  for (const Field& container : inits.items()) {
    validate_container(container, volumes);
    const Field name = container["name"];
    if (!name.empty() && !names.emplace(name.text()).second) name.duplicate();
    if (container["restartPolicy"].text() == "Always") {
      validate_probes(container);
      continue;
    }
    for (const char* key : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
      if (container[key].is_set()) {
        container[key].forbidden("may not be set for init containers without restartPolicy=Always");
      }
    }
  }
  const bool is_host_network = spec["hostNetwork"].flag();
  validate_host_ports(containers, is_host_network, host_ports);
  Texts init_ports;  // They run one after the other.
  validate_host_ports(inits, is_host_network, init_ports);
}

void validate_ephemeral_containers(const Field& spec) {
  const Texts volumes = volume_names(spec);
  Texts names;
  for (const char* list : {"containers", "initContainers"}) {
    for (const Field& container : spec[list].items()) names.emplace(container["name"].text());
  }
  const Texts targets = names;
  for (const Field& container : spec["ephemeralContainers"].items()) {
    validate_container(container, volumes);
    const Field name = container["name"];
    if (!name.empty() && !names.emplace(name.text()).second) name.duplicate();
    const Field target = container["targetContainerName"];
    if (!target.empty() && !targets.contains(target.text())) target.not_found();
    for (const char* key :
         {"ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources"}) {
      if (!container[key].empty()) {
        container[key].forbidden("cannot be set for an Ephemeral Container");
      }
    }
    for (const Field& mount : container["volumeMounts"].items()) {
      for (const char* key : {"subPath", "subPathExpr"}) {
        if (!mount[key].empty()) mount[key].forbidden("cannot be set for an Ephemeral Container");
      }
    }
  }
}

namespace {

bool is_standard_container_resource(std::string_view name) {
  return is_one_of(name, {"cpu", "memory", "ephemeral-storage"}) || name.starts_with("hugepages-");
}

// cpu, memory and storage may be asked for in part and overcommitted; all else may not.
bool is_overcommitable(std::string_view name) {
  return name.find('/') == std::string_view::npos && !name.starts_with("hugepages-");
}

void validate_amount(const Field& amounts, std::string_view name) {
  const Field amount = amounts.at_key(name);
  const auto complaints = api::check_qualified_name(name);
  for (const auto& text : complaints) amount.invalid_value(quoted(name), text);
  if (name.find('/') == std::string_view::npos) {
    if (!is_standard_container_resource(name)) {
      amount.invalid_value(quoted(name), "must be a standard resource type or fully qualified");
      amount.invalid_value(quoted(name), "must be a standard resource for containers");
    }
  }
  const auto parsed = api::Quantity::parse(amount.text());
  if (!parsed) return;
  if (parsed->sign() < 0) amount.invalid("must be greater than or equal to 0");
  if (!is_overcommitable(name) && parsed->milli_value() % 1000 != 0) {
    amount.invalid("must be an integer");
  }
}

}  // namespace

void validate_resources(const Field& resources) {
  if (!resources.is_set()) return;
  const Field limits = resources["limits"];
  const Field requests = resources["requests"];
  if (limits.is_set()) {
    for (const auto& [name, value] : limits.value()->members()) validate_amount(limits, name);
  }
  if (!requests.is_set()) return;
  for (const auto& [name, value] : requests.value()->members()) {
    validate_amount(requests, name);
    const Field limit = limits.at_key(name);
    const auto asked = api::Quantity::parse(requests.at_key(name).text());
    if (!limit.is_set()) {
      if (!is_overcommitable(name)) {
        limits.required("Limit must be set for non overcommitable resources");
      }
      continue;
    }
    const auto bound = api::Quantity::parse(limit.text());
    if (!asked || !bound) continue;
    const std::string of_limit = std::string(name) + " limit of " + bound->format();
    if (!is_overcommitable(name) && *asked != *bound) {
      requests.invalid_value(quoted(asked->format()), "must be equal to " + of_limit);
    } else if (*asked > *bound) {
      requests.invalid_value(quoted(asked->format()), "must be less than or equal to " + of_limit);
    }
  }
}

}  // namespace pinnace::apiserver
