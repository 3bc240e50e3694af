// A PodSpec as a whole: what is no container, no volume and no affinity.
#include <algorithm>
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxNameservers = 3;
constexpr std::size_t kMaxSearches = 32;
constexpr std::size_t kMaxSearchBytes = 2048;
constexpr std::int64_t kMaxInt32 = 2147483647;

void validate_tolerations(const Field& tolerations) {
  for (const Field& toleration : tolerations.items()) {
    const Field key = toleration["key"];
    const Field op = toleration["operator"];
    const Field value = toleration["value"];
    const Field effect = toleration["effect"];
    if (!key.empty()) key.each(api::check_qualified_name(key.text()));
    if (key.empty() && op.text() != "Exists") {
      op.invalid(
          "operator must be Exists when `key` is empty, which means \"match all values and all "
          "keys\"");
    }
    if (toleration["tolerationSeconds"].is_set() && effect.text() != "NoExecute") {
      effect.invalid("effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    if (op.empty() || op.text() == "Equal") {
      const auto complaints = api::check_label_value(value.text());
      if (!complaints.empty()) {
        toleration["operator"].invalid_value(quoted(value.text()),
                                             api::join_complaints(complaints));
      }
    } else if (op.text() == "Exists" && !value.empty()) {
      toleration["operator"].invalid_value(quoted(value.text()),
                                           "value must be empty when `operator` is 'Exists'");
    }
  }
}

void validate_dns(const Field& spec) {
  const Field config = spec["dnsConfig"];
  const Field servers = config["nameservers"];
  if (spec["dnsPolicy"].text() == "None") {
    if (!config.is_set()) {
      return config.required("must provide `dnsConfig` when `dnsPolicy` is None");
    }
    if (servers.empty()) {
      return servers.required("must provide at least one DNS nameserver when `dnsPolicy` is None");
    }
  }
  if (servers.size() > kMaxNameservers) {
    servers.invalid("must not have more than 3 nameservers");
  }
  for (const Field& server : servers.items()) server.each(api::check_ip(server.text()));
  const Field searches = config["searches"];
  if (searches.size() > kMaxSearches) searches.invalid("must not have more than 32 search paths");
  std::size_t bytes = 0;
  for (const Field& search : searches.items()) {
    std::string_view name = search.text();
    bytes += name.size() + 1;
    if (name.ends_with('.')) name.remove_suffix(1);
    if (!name.empty()) search.each(api::check_dns1123_subdomain(name));
  }
  if (bytes > kMaxSearchBytes + 1) {
    searches.invalid(
        "must not have more than 2048 characters (including spaces) in the search list");
  }
  for (const Field& option : config["options"].items()) {
    if (option["name"].empty()) option.required("must not be empty");
  }
}

void validate_host_aliases(const Field& aliases) {
  for (const Field& alias : aliases.items()) {
    alias["ip"].each(api::check_ip(alias["ip"].text()));
    for (const Field& name : alias["hostnames"].items()) {
      name.each(api::check_dns1123_subdomain(name.text()));
    }
  }
}

void validate_gates(const Field& spec) {
  std::set<std::string, std::less<>> names;
  for (const Field& gate : spec["schedulingGates"].items()) {
    const Field name = gate["name"];
    name.each(api::check_qualified_name(name.text()));
    if (!names.emplace(name.text()).second) name.duplicate();
  }
  for (const Field& gate : spec["readinessGates"].items()) {
    gate["conditionType"].each(api::check_qualified_name(gate["conditionType"].text()));
  }
}

void validate_names(const Field& spec) {
  struct Rule {
    const char* field;
    api::Complaints (*check)(std::string_view);
  };
  constexpr Rule kRules[] = {{"hostname", api::check_dns1123_label},
                             {"subdomain", api::check_dns1123_label},
                             {"nodeName", api::check_dns1123_subdomain},
                             {"serviceAccountName", api::check_dns1123_subdomain},
                             {"priorityClassName", api::check_dns1123_subdomain},
                             {"runtimeClassName", api::check_dns1123_subdomain}};
  for (const Rule& rule : kRules) {
    const Field name = spec[rule.field];
    if (!name.empty()) name.each(rule.check(name.text()));
  }
}

void validate_pod_security(const Field& context) {
  for (const char* id : {"runAsUser", "runAsGroup", "fsGroup"}) context[id].between(0, kMaxInt32);
  for (const Field& group : context["supplementalGroups"].items()) group.between(0, kMaxInt32);
}

}  // namespace

void validate_pod_spec(const Field& spec) {
  validate_volumes(spec);
  validate_containers(spec);
  validate_ephemeral_containers(spec);
  spec["activeDeadlineSeconds"].between(1, kMaxInt32);
  validate_label_map(spec["nodeSelector"]);
  validate_names(spec);
  validate_pod_security(spec["securityContext"]);
  if (spec["shareProcessNamespace"].flag() && spec["hostPID"].flag()) {
    spec["shareProcessNamespace"].invalid(
        "ShareProcessNamespace and HostPID cannot both be enabled");
  }
  validate_tolerations(spec["tolerations"]);
  validate_affinity(spec["affinity"]);
  validate_topology_spread(spec["topologySpreadConstraints"]);
  validate_host_aliases(spec["hostAliases"]);
  validate_dns(spec);
  validate_gates(spec);
  const Field os = spec["os"]["name"];
  if (spec["os"].is_set() && os.require() && os.text() != "linux" && os.text() != "windows") {
    os.not_supported({"linux", "windows"});
  }
  validate_amounts(spec["overhead"]);
}

void validate_pod_template(const Field& pod_template) {
  const Field metadata = pod_template["metadata"];
  validate_label_map(metadata["labels"].as(pod_template.path() + ".labels"));
  const Field annotations = metadata["annotations"].as(pod_template.path() + ".annotations");
  if (annotations.is_set()) {
    for (const auto& [key, value] : annotations.value()->members()) {
      for (const auto& text : api::check_qualified_name(to_lower(key))) {
        annotations.invalid_value(quoted(key), text);
      }
    }
  }
  validate_pod_spec(pod_template["spec"]);
  const Field ephemeral = pod_template["spec"]["ephemeralContainers"];
  if (!ephemeral.empty()) ephemeral.forbidden("ephemeral containers not allowed in pod template");
}

}  // namespace pinnace::apiserver
