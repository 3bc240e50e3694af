// Kinds of older releases: PodSecurityPolicies and PodPresets.
#include <algorithm>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::int64_t kMaxPort = 65535;

// Rules with ranges of ids or ports, of which none is backwards.
void validate_ranges(const Field& ranges) {
  for (const Field& range : ranges.items()) {
    range["min"].at_least(0);
    range["max"].at_least(0);
    if (range["min"].number() > range["max"].number()) {
      range["min"].invalid("min cannot be greater than max");
    }
  }
}

void validate_id_rule(const Field& options, std::initializer_list<const char*> valid) {
  const Field rule = options["rule"];
  rule.one_of(valid);
  if (rule.empty()) rule.not_supported({valid.begin(), valid.end()});
  validate_ranges(options["ranges"]);
}

bool has(const Field& list, std::string_view text) {
  const auto items = list.items();
  return std::any_of(items.begin(), items.end(), [&](const Field& item) { return item.is(text); });
}

void validate_capabilities(const Field& spec) {
  const Field dropped = spec["requiredDropCapabilities"];
  for (const char* list : {"defaultAddCapabilities", "allowedCapabilities"}) {
    for (const Field& capability : dropped.items()) {
      if (!has(spec[list], capability.text())) continue;
      spec[list].invalid("capability is listed in " + std::string(list) +
                         " and requiredDropCapabilities");
    }
  }
}

void validate_security_policy(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_id_rule(spec["runAsUser"], {"MustRunAs", "MustRunAsNonRoot", "RunAsAny"});
  if (spec["runAsGroup"].is_set()) {
    validate_id_rule(spec["runAsGroup"], {"MayRunAs", "MustRunAs", "RunAsAny"});
  }
  const Field linux_rule = spec["seLinux"]["rule"];
  if (!linux_rule.is_among({"MustRunAs", "RunAsAny"})) {
    linux_rule.not_supported({"MustRunAs", "RunAsAny"});
  }
  for (const char* groups : {"supplementalGroups", "fsGroup"}) {
    spec[groups]["rule"].one_of({"MayRunAs", "MustRunAs", "RunAsAny"});
    validate_ranges(spec[groups]["ranges"]);
  }
  for (const Field& path : spec["allowedHostPaths"].items()) {
    const Field prefix = path["pathPrefix"];
    if (!prefix.require("is required")) continue;
    for (const std::string_view part : split(prefix.text(), '/')) {
      if (part == "..") prefix.invalid("must not contain '..'");
    }
  }
  for (const Field& range : spec["hostPorts"].items()) {
    range["min"].between(0, kMaxPort);
    range["max"].between(0, kMaxPort);
  }
  validate_ranges(spec["hostPorts"]);
  validate_capabilities(spec);
  const Field escalates = spec["allowPrivilegeEscalation"];
  if (spec["defaultAllowPrivilegeEscalation"].flag() && !escalates.flag(true)) {
    spec["defaultAllowPrivilegeEscalation"].invalid(
        "Cannot set DefaultAllowPrivilegeEscalation to true without also setting "
        "AllowPrivilegeEscalation to true");
  }
}

void validate_preset(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_label_selector(spec["selector"]);
  if (spec["volumes"].empty() && spec["env"].empty() && spec["envFrom"].empty() &&
      spec["volumeMounts"].empty()) {
    spec["volumes, env, envFrom, volumeMounts"].required("must specify at least one");
  }
  validate_volumes(spec["volumes"], "");
  validate_env(spec["env"]);
  validate_env_from(spec["envFrom"]);
  const auto volumes = spec["volumes"].texts_of_items("name");
  for (const Field& mount : spec["volumeMounts"].items()) {
    const Field name = mount["name"];
    if (name.require() && !volumes.contains(name.text())) name.not_found();
    mount["mountPath"].require();
  }
}

}  // namespace

const Strategy kSecurityPolicyStrategy{
    .storage_resource = "policy/podsecuritypolicies",
    .returns_deleted = true,
    .must_name_revision = true,
    .validate = validate_security_policy,
};
const Strategy kPodPresetStrategy{
    .storage_resource = "settings.k8s.io/podpresets",
    .validate = validate_preset,
};

}  // namespace pinnace::apiserver
