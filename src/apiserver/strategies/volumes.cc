// Volumes of a pod: one source each, and what each source needs.
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/volume_sources.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::int64_t kMaxMode = 0777;
constexpr std::int64_t kLeastTokenSeconds = 600, kMostTokenSeconds = std::int64_t{1} << 32;
constexpr std::int64_t kLeastCertificateSeconds = 3600, kMostCertificateSeconds = 91 * 86400;
using Texts = std::set<std::string, std::less<>>;

void validate_mode(const Field& mode) {
  if (mode.is_set() && (mode.number() < 0 || mode.number() > kMaxMode)) {
    mode.invalid("must be a number between 0 and 0777 (octal), both inclusive");
  }
}

void validate_item(const Field& item) {
  item["key"].require();
  item["path"].require();
  validate_local_path(item["path"]);
  validate_mode(item["mode"]);
}

// A file of the downward API. Its complaints are about `at`, without its place in the list.
void validate_downward_file(const Field& file) {
  file["path"].require();
  validate_local_path(file["path"]);
  const Field field = file["fieldRef"];
  const Field resource = file["resourceFieldRef"];
  if (field.is_set()) {
    validate_field_ref(field, true);
    if (resource.is_set()) {
      file.invalid_value("\"resource\"",
                         "fieldRef and resourceFieldRef can not be specified simultaneously");
    }
  } else if (resource.is_set()) {
    validate_resource_field_ref(resource, true);
  } else {
    file.required("one of fieldRef and resourceFieldRef is required");
  }
  validate_mode(file["mode"]);
}

void validate_token(const Field& token, const Field& projected) {
  const Field expiry = token["expirationSeconds"];
  if (expiry.number(kLeastTokenSeconds) < kLeastTokenSeconds) {
    expiry.invalid("may not specify a duration less than 10 minutes");
  }
  if (expiry.number() > kMostTokenSeconds) {
    expiry.invalid("may not specify a duration larger than 2^32 seconds");
  }
  const Field path = token["path"].as(projected["path"]);
  if (path.require()) validate_local_path(path);
}

void validate_trust_bundle(const Field& bundle) {
  const Field name = bundle["name"];
  const Field signer = bundle["signerName"];
  const Field selector = bundle["labelSelector"];
  if (name.is_set() && signer.is_set()) {
    bundle.invalid("only one of name and signerName may be used");
  } else if (name.is_set()) {
    if (name.empty()) name.required("must be a valid object name");
    if (selector.is_set()) selector.invalid("labelSelector must be unset if name is specified");
  } else if (signer.is_set()) {
    if (signer.empty())
      signer.required("must be a valid signer name");
    else
      validate_signer_name(signer);
    validate_label_selector(selector);
  } else {
    bundle.required("either name or signerName must be specified");
  }
  bundle["path"].require();
  validate_local_path(bundle["path"]);
}

void validate_pod_certificate(const Field& certificate) {
  if (certificate["signerName"].require()) validate_signer_name(certificate["signerName"]);
  certificate["keyType"].one_of(
      {"ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519", "RSA3072", "RSA4096"});
  const Field expiry = certificate["maxExpirationSeconds"];
  if (expiry.is_set() &&
      (expiry.number() < kLeastCertificateSeconds || expiry.number() > kMostCertificateSeconds)) {
    expiry.invalid("if provided, maxExpirationSeconds must be >= 3600");
  }
  std::size_t paths = 0;
  for (const char* key : {"credentialBundlePath", "keyPath", "certificateChainPath"}) {
    const Field path = certificate[key];
    if (path.empty()) continue;
    ++paths;
    validate_local_path(path);
  }
  if (paths == 0)
    certificate.required(
        "specify at least one of credentialBundlePath, keyPath, and certificateChainPath");
}

// Files of all sources lie in one directory.
class ProjectedPaths {
 public:
  explicit ProjectedPaths(const Field& projected) : projected_(projected) {}
  void add(const Field& path, std::string_view shown) {
    if (path.empty() || paths_.emplace(path.text()).second) return;
    projected_.invalid_value(quoted(shown), "conflicting duplicate paths");
  }

 private:
  const Field& projected_;
  Texts paths_;
};

void validate_projected(const Field& projected) {
  validate_mode(projected["defaultMode"]);
  ProjectedPaths paths(projected);
  for (const Field& source : projected["sources"].items()) {
    std::size_t count = 0;
    for (const char* kind : {"secret", "configMap"}) {
      const Field one = source[kind];
      if (!one.is_set()) continue;
      ++count;
      one["name"].require();
      for (const Field& item : one["items"].items()) {
        validate_item(item);
        paths.add(item["path"], one["name"].text());
      }
    }
    if (source["downwardAPI"].is_set()) ++count;
    for (const Field& file : source["downwardAPI"]["items"].items()) {
      validate_downward_file(file.as(source["downwardAPI"]));
      paths.add(file["path"], file["path"].text());
    }
    if (source["serviceAccountToken"].is_set()) {
      ++count;
      validate_token(source["serviceAccountToken"], projected);
    }
    if (source["clusterTrustBundle"].is_set()) {
      ++count;
      validate_trust_bundle(source["clusterTrustBundle"]);
      paths.add(source["clusterTrustBundle"]["path"], source["clusterTrustBundle"]["path"].text());
    }
    if (source["podCertificate"].is_set()) {
      ++count;
      validate_pod_certificate(source["podCertificate"]);
    }
    if (count > 1) source.forbidden("may not specify more than 1 volume type per source");
  }
}

void validate_kept_data(const Field& source, const char* name) {
  source[name].require();
  validate_mode(source["defaultMode"]);
  for (const Field& item : source["items"].items()) validate_item(item);
}

// A claim that is made for the pod: its metadata is labels and annotations.
void validate_ephemeral(const Field& source) {
  const Field claim = source["volumeClaimTemplate"];
  if (!claim.is_set()) return claim.required();
  const Field metadata = claim["metadata"];
  validate_annotation_keys(metadata["annotations"]);
  validate_label_map(metadata["labels"]);
  for (const auto& [key, member] : metadata.entries()) {
    if (key == "annotations" || key == "labels" || member.empty()) continue;
    metadata[key].forbidden("cannot be set");
  }
  validate_claim_spec(claim["spec"]);
}

void validate_own_sources(const Field& volume, std::size_t& count, std::string_view pod_name) {
  const auto has = [&](const char* name) { return is_only_source(volume[name], count); };
  if (has("secret")) validate_kept_data(volume["secret"], "secretName");
  if (has("persistentVolumeClaim")) volume["persistentVolumeClaim"]["claimName"].require();
  if (has("downwardAPI")) {
    validate_mode(volume["downwardAPI"]["defaultMode"]);
    for (const Field& file : volume["downwardAPI"]["items"].items()) {
      validate_downward_file(file.as(volume["downwardAPI"]));
    }
  }
  if (has("configMap")) validate_kept_data(volume["configMap"], "name");
  if (has("projected")) validate_projected(volume["projected"]);
  if (has("ephemeral")) {
    validate_ephemeral(volume["ephemeral"]);
    const Field name = volume["name"];
    if (!pod_name.empty() && !name.empty()) {
      const std::string claim = std::string(pod_name) + "-" + std::string(name.text());
      for (const auto& text : api::check_dns1123_subdomain(claim)) {
        name.invalid("PVC name " + quoted(claim) + ": " + text);
      }
    }
  }
  if (has("image")) {
    volume["image"]["pullPolicy"].one_of({"Always", "IfNotPresent", "Never"});
  }
}

void validate_volume_source(const Field& volume, std::string_view pod_name) {
  std::size_t count = 0;
  if (is_only_source(volume["emptyDir"], count)) {
    const Field limit = volume["emptyDir"]["sizeLimit"];
    if (limit.amount() && limit.amount()->sign() < 0) {
      limit.forbidden("SizeLimit field must be a valid resource quantity");
    }
  }
  validate_shared_sources(volume, {false, volume["name"].text(), volume}, count);
  validate_own_sources(volume, count, pod_name);
  if (count == 0) volume.required("must specify a volume type");
}

}  // namespace

void validate_volumes(const Field& volumes, std::string_view pod_name) {
  Texts names, made_claims;
  for (const Field& volume : volumes.items()) {
    if (pod_name.empty() || !volume["ephemeral"].is_set()) continue;
    made_claims.insert(std::string(pod_name) + "-" + std::string(volume["name"].text()));
  }
  for (const Field& volume : volumes.items()) {
    validate_volume_source(volume, pod_name);
    const Field name = volume["name"];
    if (name.require()) {
      name.each(api::check_dns1123_label(name.text()));
      if (!names.emplace(name.text()).second) name.duplicate();
    }
    const Field claim = volume["persistentVolumeClaim"]["claimName"];
    if (!claim.empty() && made_claims.contains(claim.text())) {
      claim.invalid("must not reference a PVC that gets created for an ephemeral volume");
    }
  }
}

}  // namespace pinnace::apiserver
