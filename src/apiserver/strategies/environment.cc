// Environment variables of containers, and references to a pod's own fields.
#include <algorithm>
#include <array>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"

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

bool has(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

// metadata.labels['KEY'] gives KEY; "" for paths without one.
std::string_view subscript_of(std::string_view path, std::string_view& base) {
  const auto open = path.find("['");
  base = path.substr(0, open);
  if (open == std::string_view::npos || !path.ends_with("']")) return {};
  return path.substr(open + 2, path.size() - open - 4);
}

void validate_key_ref(const Field& ref) {
  if (!ref.is_set()) return;
  ref["name"].require();
  const Field key = ref["key"];
  if (key.require()) key.each(api::check_config_map_key(key.text()));
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
  if (count == 0) {
    source.invalid_value(
        "\"\"",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or "
        "`secretKeyRef`");
  } else if (!variable["value"].empty()) {
    source.invalid_value("\"\"", "may not be specified when `value` is not empty");
  } else if (count > 1) {
    source.invalid_value("\"\"", "may not have more than one field specified at a time");
  }
}

}  // namespace

void validate_field_ref(const Field& ref, bool in_volume) {
  if (!ref["apiVersion"].require()) return;
  const Field path = ref["fieldPath"];
  if (!path.require()) return;
  std::string_view base;
  const std::string_view key = subscript_of(path.text(), base);
  if (base != path.text()) {
    if (base == "metadata.annotations" || base == "metadata.labels") {
      for (const auto& text : api::check_qualified_name(key)) {
        path.invalid_value(quoted(key), text);
      }
      return;
    }
    return path.invalid("does not support subscript");
  }
  const auto& valid = in_volume ? kVolumeFields : kEnvFields;
  if (has(valid, path.text())) return;
  if (has(kEnvFields, path.text()) || has(kVolumeFields, path.text())) {
    return path.not_supported(valid);
  }
  path.invalid("error converting fieldPath: field label not supported: " +
               std::string(path.text()));
}

void validate_resource_field_ref(const Field& ref, bool in_volume) {
  if (in_volume) ref["containerName"].require();
  const Field resource = ref["resource"];
  if (!resource.require()) return;
  const std::string_view name = resource.text();
  if (!has(kEnvResources, name) && !name.starts_with("limits.hugepages-") &&
      !name.starts_with("requests.hugepages-")) {
    resource.not_supported(kEnvResources);
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
      source[kind]["name"].require();
    }
    if (count == 0) {
      source.invalid_value("\"\"", "must specify one of: `configMapRef` or `secretRef`");
    } else if (count > 1) {
      source.invalid_value("\"\"", "may not have more than one field specified at a time");
    }
  }
}

}  // namespace pinnace::apiserver
