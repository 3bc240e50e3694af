// Volumes of a pod: one source each, and what each source needs.
#include <algorithm>
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/internal_form.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/volume_sources.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::int64_t kMaxMode = 0777;
constexpr std::int64_t kLeastTokenSeconds = 600, kMostTokenSeconds = std::int64_t{1} << 32;
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

// Files of all sources lie in one directory.
class ProjectedPaths {
 public:
  explicit ProjectedPaths(const Field& projected) : projected_(projected) {}
  void add(const Field& path) { add(path, path.text()); }
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
      paths.add(file["path"]);
    }
    if (source["serviceAccountToken"].is_set()) {
      ++count;
      validate_token(source["serviceAccountToken"], projected);
    }
    if (count > 1) source.forbidden("may not specify more than 1 volume type per source");
  }
}

void validate_kept_data(const Field& source, const char* name) {
  source[name].require();
  validate_mode(source["defaultMode"]);
  for (const Field& item : source["items"].items()) validate_item(item);
}

}  // namespace

void validate_template_metadata(const Field& metadata) {
  validate_annotation_keys(metadata["annotations"]);
  validate_label_map(metadata["labels"]);
  for (const auto& [key, member] : metadata.entries()) {
    if (key == "annotations" || key == "labels" || member.empty()) continue;
    metadata[key == "uid" ? "uID" : key].forbidden("cannot be set");
  }
}

namespace {

// A claim that is made for the pod.
void validate_ephemeral(const Field& source) {
  const Field claim = source["volumeClaimTemplate"];
  if (!claim.is_set()) return claim.required();
  validate_template_metadata(claim["metadata"]);
  validate_claim_spec(claim["spec"]);
}

// One volume of a pod. `pod` is the pod's name, "" in templates.
struct PodVolume {
  const Field& volume;
  std::string_view pod;
};

void check_secret(const PodVolume& of) { validate_kept_data(of.volume["secret"], "secretName"); }
void check_config_map(const PodVolume& of) { validate_kept_data(of.volume["configMap"], "name"); }
void check_claim(const PodVolume& of) { of.volume["persistentVolumeClaim"]["claimName"].require(); }
void check_projected(const PodVolume& of) { validate_projected(of.volume["projected"]); }

void check_downward(const PodVolume& of) {
  const Field source = of.volume["downwardAPI"];
  validate_mode(source["defaultMode"]);
  for (const Field& file : source["items"].items()) validate_downward_file(file.as(source));
}

void check_ephemeral(const PodVolume& of) {
  validate_ephemeral(of.volume["ephemeral"]);
  const Field name = of.volume["name"];
  if (of.pod.empty() || name.empty()) return;
  const std::string claim = std::string(of.pod) + "-" + std::string(name.text());
  for (const auto& text : api::check_dns1123_subdomain(claim)) {
    name.invalid("PVC name " + quoted(claim) + ": " + text);
  }
}

// Templates may leave it to whoever makes pods of them to say which image.
void check_image(const PodVolume& of) {
  const Field image = of.volume["image"];
  if (!of.pod.empty()) image["reference"].require();
  if (image["pullPolicy"].require()) {
    image["pullPolicy"].one_of({"Always", "IfNotPresent", "Never"});
  }
}

// The sources in the order in which they are looked for; those without a check are shared with
// PersistentVolumes.
struct PodSource {
  std::string_view name;
  void (*check)(const PodVolume&) = nullptr;
};
constexpr PodSource kPodSources[] = {
    {"hostPath"},
    {"gitRepo"},
    {"gcePersistentDisk"},
    {"awsElasticBlockStore"},
    {"secret", check_secret},
    {"nfs"},
    {"iscsi"},
    {"glusterfs"},
    {"flocker"},
    {"persistentVolumeClaim", check_claim},
    {"rbd"},
    {"cinder"},
    {"cephfs"},
    {"quobyte"},
    {"downwardAPI", check_downward},
    {"fc"},
    {"flexVolume"},
    {"configMap", check_config_map},
    {"azureFile"},
    {"vsphereVolume"},
    {"photonPersistentDisk"},
    {"portworxVolume"},
    {"azureDisk"},
    {"storageos"},
    {"projected", check_projected},
    {"scaleIO"},
    {"csi"},
    {"ephemeral", check_ephemeral},
    {"image", check_image},
};

void validate_volume_source(const Field& volume, std::string_view pod_name) {
  std::size_t count = 0;
  if (is_only_source(volume, "emptyDir", count)) {
    const Field limit = volume["emptyDir"]["sizeLimit"];
    if (limit.amount() && limit.amount()->sign() < 0) {
      limit.forbidden("SizeLimit field must be a valid resource quantity");
    }
  }
  for (const PodSource& source : kPodSources) {
    if (!is_only_source(volume, source.name, count)) continue;
    if (source.check != nullptr)
      source.check({volume, pod_name});
    else
      validate_shared_source(volume, source.name, {false, volume["name"].text(), volume});
  }
  if (count == 0) volume.required("must specify a volume type");
}

}  // namespace

VolumesByName validate_volumes(const Field& volumes, std::string_view pod_name) {
  Texts made_claims;
  VolumesByName right;
  for (const Field& volume : volumes.items()) {
    if (pod_name.empty() || !volume["ephemeral"].is_set()) continue;
    made_claims.insert(std::string(pod_name) + "-" + std::string(volume["name"].text()));
  }
  for (const Field& volume : volumes.items()) {
    const std::size_t complaints = volume.causes().size();
    validate_volume_source(volume, pod_name);
    const Field name = volume["name"];
    if (name.require()) name.each(api::check_dns1123_label(name.text()));
    if (right.contains(name.text())) name.duplicate();
    if (volume.causes().size() == complaints) right.emplace(name.text(), volume);
    const Field claim = volume["persistentVolumeClaim"]["claimName"];
    if (!claim.empty() && made_claims.contains(claim.text())) {
      claim.invalid("must not reference a PVC that gets created for an ephemeral volume");
    }
  }
  return right;
}

}  // namespace pinnace::apiserver
