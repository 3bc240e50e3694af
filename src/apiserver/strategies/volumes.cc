// Volumes of a pod: one source each, and what each source needs.
#include <set>

#include "api/quantity.h"
#include "api/schema.h"
#include "apiserver/strategies/shared.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::int64_t kMaxMode = 0777;

void validate_mode(const Field& mode) {
  if (mode.is_set() && (mode.number() < 0 || mode.number() > kMaxMode)) {
    mode.invalid("must be a number between 0 and 0777 (octal), both inclusive");
  }
}

// A path below a volume's root.
void validate_local_path(const Field& path) {
  if (!path.require()) return;
  if (path.text().starts_with('/')) path.invalid("must be a relative path");
  if (path.text().starts_with("..")) path.invalid("must not start with '..'");
  for (const std::string_view part : split(path.text(), '/')) {
    if (part == "..") return path.invalid("must not contain '..'");
  }
}

void validate_items(const Field& items) {
  for (const Field& item : items.items()) {
    item["key"].require();
    validate_local_path(item["path"]);
    validate_mode(item["mode"]);
  }
}

void validate_downward_items(const Field& items) {
  for (const Field& item : items.items()) {
    validate_local_path(item["path"]);
    validate_mode(item["mode"]);
    const Field field = item["fieldRef"];
    const Field resource = item["resourceFieldRef"];
    if (field.is_set()) {
      validate_field_ref(field, true);
      if (resource.is_set()) {
        item.invalid_value("\"resource\"",
                           "fieldRef and resourceFieldRef can not be specified simultaneously");
      }
    } else if (resource.is_set()) {
      validate_resource_field_ref(resource, true);
    } else {
      item.required("one of fieldRef and resourceFieldRef is required");
    }
  }
}

void validate_token_source(const Field& token) {
  const Field expiry = token["expirationSeconds"];
  if (expiry.is_set() && expiry.number() < 600) {
    expiry.invalid("may not specify a duration less than 10 minutes");
  }
  if (expiry.is_set() && expiry.number() > (std::int64_t{1} << 32)) {
    expiry.invalid("may not specify a duration larger than 2^32 seconds");
  }
  token["path"].require();
}

void validate_projected(const Field& projected) {
  validate_mode(projected["defaultMode"]);
  for (const Field& source : projected["sources"].items()) {
    std::size_t count = 0;
    for (const char* kind : {"secret", "configMap", "downwardAPI", "serviceAccountToken",
                             "clusterTrustBundle", "podCertificate"}) {
      if (!source[kind].is_set()) continue;
      if (++count > 1) source[kind].forbidden("may not specify more than 1 volume type");
    }
    for (const char* kind : {"secret", "configMap"}) {
      if (!source[kind].is_set()) continue;
      source[kind]["name"].require();
      validate_items(source[kind]["items"]);
    }
    validate_downward_items(source["downwardAPI"]["items"]);
    if (source["serviceAccountToken"].is_set()) {
      validate_token_source(source["serviceAccountToken"]);
    }
  }
}

void validate_host_path(const Field& source) {
  const Field path = source["path"];
  if (!path.require()) return;
  for (const std::string_view part : split(path.text(), '/')) {
    if (part == "..") return path.invalid("must not contain '..'");
  }
}

// The rules of the one source that a volume has.
void validate_source(const Field& volume) {
  if (volume["hostPath"].is_set()) validate_host_path(volume["hostPath"]);
  const Field limit = volume["emptyDir"]["sizeLimit"];
  if (limit.is_set()) {
    const auto parsed = api::Quantity::parse(limit.text());
    if (parsed && parsed->sign() < 0) {
      limit.forbidden("SizeLimit field must be a valid resource quantity");
    }
  }
  const Field secret = volume["secret"];
  if (secret.is_set()) {
    secret["secretName"].require();
    validate_mode(secret["defaultMode"]);
    validate_items(secret["items"]);
  }
  const Field map = volume["configMap"];
  if (map.is_set()) {
    map["name"].require();
    validate_mode(map["defaultMode"]);
    validate_items(map["items"]);
  }
  if (volume["persistentVolumeClaim"].is_set())
    volume["persistentVolumeClaim"]["claimName"].require();
  if (volume["projected"].is_set()) validate_projected(volume["projected"]);
  if (volume["downwardAPI"].is_set()) {
    validate_mode(volume["downwardAPI"]["defaultMode"]);
    validate_downward_items(volume["downwardAPI"]["items"]);
  }
  const Field nfs = volume["nfs"];
  if (nfs.is_set()) {
    nfs["server"].require();
    if (nfs["path"].require() && !nfs["path"].text().starts_with('/')) {
      nfs["path"].invalid("must be an absolute path");
    }
  }
  if (volume["csi"].is_set()) volume["csi"]["driver"].require();
  if (volume["ephemeral"].is_set() && !volume["ephemeral"]["volumeClaimTemplate"].is_set()) {
    volume["ephemeral"]["volumeClaimTemplate"].required();
  }
}

}  // namespace

void validate_volumes(const Field& spec) {
  // What a volume may be is what VolumeSource has fields for.
  static const api::TypeInfo& kSources = *api::builtin_schema().find_type("", "v1", "VolumeSource");
  std::set<std::string, std::less<>> names;
  for (const Field& volume : spec["volumes"].items()) {
    std::size_t count = 0;
    for (const api::FieldInfo& source : kSources.fields) {
      const Field one = volume[source.name];
      if (!one.is_set()) continue;
      if (++count > 1) one.forbidden("may not specify more than 1 volume type");
    }
    if (count == 0) volume.required("must specify a volume type");
    const Field name = volume["name"];
    if (name.require()) {
      name.each(api::check_dns1123_label(name.text()));
      if (!names.emplace(name.text()).second) name.duplicate();
    }
    validate_source(volume);
  }
}

}  // namespace pinnace::apiserver
