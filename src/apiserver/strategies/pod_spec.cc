// A PodSpec as a whole: what is no container, no volume and no affinity.
#include <algorithm>
#include <map>
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/internal_form.h"
#include "apiserver/strategies/shared.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxNameservers = 3;
constexpr std::size_t kMaxSearches = 32;
constexpr std::size_t kMaxSearchBytes = 2048;
constexpr std::size_t kMaxHostnameOverride = 64;
constexpr std::int64_t kMaxInt32 = 2147483647;

void validate_dns(const Field& spec) {
  const Field config = spec["dnsConfig"];
  const Field servers = config["nameservers"];
  if (spec["dnsPolicy"].is("None")) {
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
  for (const Field& search : searches.items()) bytes += search.text().size() + 1;
  if (bytes > kMaxSearchBytes + 1) {
    searches.invalid(
        "must not have more than 2048 characters (including spaces) in the search list");
  }
  for (const Field& search : searches.items()) {
    std::string_view name = search.text();
    if (name == ".") continue;
    if (name.ends_with('.')) name.remove_suffix(1);
    for (const auto& text : api::check_dns_search(name)) search.invalid_value(quoted(name), text);
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
  for (const Field& gate : spec["readinessGates"].items()) {
    gate["conditionType"].each(api::check_qualified_name(gate["conditionType"].text()));
  }
  std::set<std::string, std::less<>> names;
  for (const Field& gate : spec["schedulingGates"].items()) {
    const Field name = gate["name"].as(gate);
    name.each(api::check_qualified_name(name.text()));
    if (!names.emplace(name.text()).second) name.duplicate();
  }
}

void validate_resource_claims(const Field& claims) {
  std::set<std::string, std::less<>> names;
  for (const Field& claim : claims.items()) {
    const Field name = claim["name"];
    const Field one = claim["resourceClaimName"];
    const Field made = claim["resourceClaimTemplateName"];
    if (name.empty()) {
      name.required();
    } else if (!names.emplace(name.text()).second) {
      name.duplicate();
    } else {
      name.each(api::check_dns1123_label(name.text()));
    }
    if (one.is_set() && made.is_set()) {
      claim.invalid_value(
          internal_form(claim, "", "PodResourceClaim"),
          "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
    }
    if (!one.is_set() && !made.is_set()) {
      claim.invalid_value(internal_form(claim, "", "PodResourceClaim"),
                          "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
    }
    for (const Field& reference : {one, made}) {
      if (reference.is_set()) reference.each(api::check_dns1123_subdomain(reference.text()));
    }
  }
}

void validate_hostname_override(const Field& spec) {
  const Field host = spec["hostnameOverride"];
  if (!host.is_set()) return;
  for (const char* other : {"setHostnameAsFQDN", "hostNetwork"}) {
    if (!spec[other].flag()) continue;
    host.forbidden(std::string("may not be specified when ") + other + " is true");
  }
  if (host.text().size() > kMaxHostnameOverride) host.too_long(kMaxHostnameOverride);
  host.each(api::check_dns1123_subdomain(host.text()));
}

void validate_name(const Field& name, api::Complaints (*check)(std::string_view)) {
  if (!name.empty()) name.each(check(name.text()));
}

// A variable may come from a file only if the file lies in a directory of the pod's own.
void validate_file_volumes(const Field& spec) {
  std::map<std::string_view, Field> volumes;
  for (const Field& volume : spec["volumes"].items()) {
    volumes.insert_or_assign(volume["name"].text(), volume);
  }
  for (const Field& container : all_containers(spec)) {
    for (const Field& variable : container["env"].items()) {
      const Field file = variable["valueFrom"]["fileKeyRef"];
      const Field name = file["volumeName"];
      if (!file.is_set()) continue;
      const auto volume = volumes.find(name.text());
      if (volume == volumes.end()) {
        name.not_found_value(quoted(name.text()), "");
      } else if (!volume->second["emptyDir"].is_set()) {
        name.invalid("referenced volume must be of type emptyDir");
      }
    }
  }
}

// Tokens need an account, which templates get when their pods are made.
void validate_token_accounts(const Field& spec) {
  if (!spec["serviceAccountName"].empty()) return;
  for (const Field& volume : spec["volumes"].items()) {
    for (const Field& source : volume["projected"]["sources"].items()) {
      const Field token = source["serviceAccountToken"];
      if (!token.is_set()) continue;
      token.forbidden("must not be specified when serviceAccountName is not set");
    }
  }
}

void validate_policies(const Field& spec) {
  const Field restart = spec["restartPolicy"];
  const Field dns = spec["dnsPolicy"];
  if (restart.require()) restart.one_of({"Always", "OnFailure", "Never"});
  if (dns.require()) dns.one_of({"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"});
}

}  // namespace

void validate_tolerations(const Field& tolerations) {
  for (const Field& toleration : tolerations.items()) {
    const Field key = toleration["key"];
    const Field op = toleration["operator"];
    const Field value = toleration["value"];
    const Field effect = toleration["effect"];
    if (!key.empty()) key.each(api::check_qualified_name(key.text()));
    if (key.empty() && !op.is("Exists")) {
      op.invalid_value(quoted(op.text()),
                       "operator must be Exists when `key` is empty, which means \"match all "
                       "values and all keys\"");
    }
    if (toleration["tolerationSeconds"].is_set() && !effect.is("NoExecute")) {
      effect.invalid_value(quoted(effect.text()),
                           "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    if (op.empty() || op.is("Equal")) {
      const auto complaints = api::check_label_value(value.text());
      if (!complaints.empty()) {
        op.invalid_value(quoted(value.text()), api::join_complaints(complaints));
      }
    } else if (op.is("Exists")) {
      if (!value.empty()) {
        op.invalid_value(quoted(value.text()), "value must be empty when `operator` is 'Exists'");
      }
    } else if (op.is_among({"Gt", "Lt"})) {
      // Known, but not taken.
      op.not_supported({"Equal", "Exists", "Lt", "Gt"});
    } else {
      op.not_supported({"Equal", "Exists"});
    }
    effect.one_of({"NoSchedule", "PreferNoSchedule", "NoExecute"});
  }
}

// In the order in which Kubernetes complains.
void validate_pod_spec(const Field& spec, std::string_view pod_name) {
  const bool is_template = pod_name.empty();
  const Field grace = spec["terminationGracePeriodSeconds"];
  if (!grace.is_set()) grace.required();
  const VolumesByName volumes = validate_volumes(spec["volumes"], pod_name);
  validate_resource_claims(spec["resourceClaims"]);
  validate_containers(spec, volumes, is_template);
  validate_policies(spec);
  validate_label_map(spec["nodeSelector"]);
  validate_pod_security(spec);
  validate_affinity(spec["affinity"]);
  validate_dns(spec);
  validate_gates(spec);
  validate_topology_spread(spec["topologySpreadConstraints"]);
  validate_host_process(spec);
  validate_host_users(spec);
  validate_hostname_override(spec);
  validate_name(spec["serviceAccountName"], api::check_dns1123_subdomain);
  validate_name(spec["nodeName"], api::check_dns1123_subdomain);
  spec["activeDeadlineSeconds"].between(1, kMaxInt32);
  validate_name(spec["hostname"], api::check_dns1123_label);
  validate_name(spec["subdomain"], api::check_dns1123_label);
  validate_tolerations(spec["tolerations"]);
  validate_host_aliases(spec["hostAliases"]);
  validate_name(spec["priorityClassName"], api::check_dns1123_subdomain);
  const Field runtime = spec["runtimeClassName"];
  if (runtime.is_set()) runtime.each(api::check_dns1123_subdomain(runtime.text()));
  const Field preemption = spec["preemptionPolicy"];
  if (preemption.is_set() && preemption.require()) {
    preemption.one_of({"PreemptLowerPriority", "Never"});
  }
  validate_overhead(spec["overhead"]);
  validate_os(spec);
  validate_file_volumes(spec);
  if (is_template) return;
  validate_token_accounts(spec);
  validate_images_of_pod(spec);
}

void validate_pod_template(const Field& pod_template) {
  const Field metadata = pod_template["metadata"];
  const Field annotations = metadata["annotations"].as(pod_template["annotations"]);
  const Field spec = pod_template["spec"];
  validate_label_map(metadata["labels"].as(pod_template["labels"]));
  validate_annotation_keys(annotations);
  validate_pod_annotations(annotations, spec);
  validate_pod_spec(spec, "");
  validate_profile_annotations(annotations, spec);
  const Field ephemeral = spec["ephemeralContainers"];
  if (!ephemeral.empty()) ephemeral.forbidden("ephemeral containers not allowed in pod template");
}

}  // namespace pinnace::apiserver
