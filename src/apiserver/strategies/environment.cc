// Environment variables of containers, and references to a pod's own fields.
#include <algorithm>
#include <optional>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/volume_sources.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

const std::vector<std::string> kEnvFields = {"metadata.name",
                                             "metadata.namespace",
                                             "metadata.uid",
                                             "spec.nodeName",
                                             "spec.serviceAccountName",
                                             "status.hostIP",
                                             "status.hostIPs",
                                             "status.podIP",
                                             "status.podIPs"};
const std::vector<std::string> kVolumeFields = {"metadata.annotations", "metadata.labels",
                                                "metadata.name", "metadata.namespace",
                                                "metadata.uid"};
const std::vector<std::string> kEnvResources = {
    "limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory"};

const std::vector<std::string> kCpuDivisors = {"1m", "1"};
const std::vector<std::string> kByteDivisors = {"1",   "1k",  "1M",  "1G",  "1T",  "1P", "1E",
                                                "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};
struct DivisorRule {
  const char* resource;  // Part of its name.
  bool is_cpu;
  const char* shown;
};
constexpr DivisorRule kDivisors[] = {{"s.cpu", true, "cpu"},
                                     {"s.memory", false, "memory"},
                                     {"s.ephemeral-storage", false, "local ephemeral storage"},
                                     {"s.hugepages-", false, "hugepages"}};

bool has(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

// What paths there are beside those; none of them is for containers.
constexpr std::string_view kOtherFields[] = {"spec.restartPolicy", "spec.schedulerName",
                                             "status.phase"};

// metadata.labels['KEY'] gives KEY, and metadata.labels as `base`; nothing for paths without a key.
std::optional<std::string_view> subscript_of(std::string_view path, std::string_view& base) {
  base = path;
  const auto open = path.find("['");
  if (open == std::string_view::npos || open == 0 || !path.ends_with("']")) return std::nullopt;
  if (path.size() < open + 4) return std::nullopt;
  base = path.substr(0, open);
  return path.substr(open + 2, path.size() - open - 4);
}

void validate_key_ref(const Field& ref) {
  if (!ref.is_set()) return;
  ref["name"].each(api::check_dns1123_subdomain(ref["name"].text()));
  const Field key = ref["key"];
  if (key.require()) key.each(api::check_config_map_key(key.text()));
}

// A variable in a file that another container wrote.
void validate_file_ref(const Field& ref) {
  if (!ref.is_set()) return;
  const Field key = ref["key"];
  if (key.require()) key.each(api::check_relaxed_env_var_name(key.text()));
  const Field volume = ref["volumeName"];
  if (volume.require()) volume.each(api::check_dns1123_label(volume.text()));
  const Field path = ref["path"];
  if (path.require()) validate_no_backsteps(path);
}

void validate_value_from(const Field& variable) {
  const Field source = variable["valueFrom"];
  if (!source.is_set()) return;
  std::size_t count = 0;
  for (const char* kind :
       {"fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"}) {
    if (source[kind].is_set()) ++count;
  }
  if (source["fieldRef"].is_set()) validate_field_ref(source["fieldRef"], false);
  if (source["resourceFieldRef"].is_set()) {
    validate_resource_field_ref(source["resourceFieldRef"], false);
  }
  validate_key_ref(source["configMapKeyRef"]);
  validate_key_ref(source["secretKeyRef"]);
  validate_file_ref(source["fileKeyRef"]);
  if (count == 0) {
    source.invalid_value(
        "\"\"",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` "
        "or `fileKeyRef`");
  } else if (!variable["value"].empty()) {
    source.invalid_value("\"\"", "may not be specified when `value` is not empty");
  } else if (count > 1) {
    source.invalid_value("\"\"", "may not have more than one field specified at a time");
  }
}

}  // namespace

void validate_field_ref(const Field& ref, bool in_volume) {
  const Field version = ref["apiVersion"];
  const Field path = ref["fieldPath"];
  if (!version.require() || !path.require()) return;
  const auto cannot_convert = [&](const std::string& why) {
    path.invalid("error converting fieldPath: " + why);
  };
  if (!version.is("v1")) {
    return cannot_convert("unsupported pod version: " + std::string(version.text()));
  }
  std::string_view base;
  if (const auto key = subscript_of(path.text(), base)) {
    // Keys of annotations are told apart without regard to case.
    const std::string name = base == "metadata.annotations" ? to_lower(*key) : std::string(*key);
    if (base != "metadata.annotations" && base != "metadata.labels") {
      return cannot_convert("field label does not support subscript: " + std::string(path.text()));
    }
    for (const auto& text : api::check_qualified_name(name)) {
      ref.invalid_value(quoted(name), text);
    }
    return;
  }
  // As clients of old call it.
  const std::string_view name = path.is("spec.host") ? "spec.nodeName" : path.text();
  const auto& valid = in_volume ? kVolumeFields : kEnvFields;
  if (has(valid, name)) return;
  const bool is_other =
      std::find(std::begin(kOtherFields), std::end(kOtherFields), name) != std::end(kOtherFields);
  if (is_other || has(kEnvFields, name) || has(kVolumeFields, name)) {
    return path.not_supported_value(quoted(name), valid);
  }
  cannot_convert("field label not supported: " + std::string(path.text()));
}

void validate_resource_field_ref(const Field& ref, bool in_volume) {
  const Field resource = ref["resource"];
  const std::string_view name = resource.text();
  const bool is_huge =
      name.starts_with("limits.hugepages-") || name.starts_with("requests.hugepages-");
  if (in_volume && ref["containerName"].empty()) {
    ref["containerName"].required();
  } else if (name.empty()) {
    resource.required();
  } else if (!is_huge && !has(kEnvResources, name)) {
    resource.not_supported(kEnvResources);
  }
  const Field divisor = ref["divisor"];
  const auto amount = divisor.amount();
  if (!amount || amount->is_zero()) return;
  for (const DivisorRule& rule : kDivisors) {
    if (name.find(rule.resource) == std::string_view::npos) continue;
    const auto& valid = rule.is_cpu ? kCpuDivisors : kByteDivisors;
    if (has(valid, amount->format())) return;
    const std::string which = rule.is_cpu ? "1m and 1" : join(valid, ", ");
    return divisor.invalid_value(
        quoted(name),
        "only divisor's values " + which + " are supported with the " + rule.shown + " resource");
  }
}

void validate_env(const Field& env) {
  for (const Field& variable : env.items()) {
    const Field name = variable["name"];
    if (name.require()) name.each(api::check_relaxed_env_var_name(name.text()));
    validate_value_from(variable);
  }
}

void validate_env_from(const Field& env_from) {
  for (const Field& source : env_from.items()) {
    const Field prefix = source["prefix"];
    if (!prefix.empty()) prefix.each(api::check_relaxed_env_var_name(prefix.text()));
    std::size_t count = 0;
    for (const char* kind : {"configMapRef", "secretRef"}) {
      if (!source[kind].is_set()) continue;
      ++count;
      const Field name = source[kind]["name"];
      if (name.require()) name.each(api::check_dns1123_subdomain(name.text()));
    }
    if (count == 0) {
      env_from.invalid_value("\"\"", "must specify one of: `configMapRef` or `secretRef`");
    } else if (count > 1) {
      env_from.invalid_value("\"\"", "may not have more than one field specified at a time");
    }
  }
}

}  // namespace pinnace::apiserver
