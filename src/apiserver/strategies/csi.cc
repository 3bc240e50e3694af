// What storage drivers say of themselves, and attachments of their volumes.
#include <map>
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "apiserver/strategies/volume_sources.h"

namespace pinnace::apiserver {
namespace {

using Texts = std::set<std::string, std::less<>>;

// -- CSIDriver

void validate_driver(Change& change, const api::Value& object) {
  constexpr std::size_t kMaxBytes = 63;
  const Field driver = root(change, object);
  const Field name = driver["metadata"]["name"];
  const Field spec = driver["spec"];
  if (name.text().size() > kMaxBytes) name.too_long(kMaxBytes);
  for (const char* needed : {"attachRequired", "podInfoOnMount", "storageCapacity"}) {
    if (!spec[needed].is_set()) spec[needed].required();
  }
  spec["fsGroupPolicy"].one_of({"File", "None", "ReadWriteOnceWithFSType"});
  Texts audiences;
  for (const Field& token : spec["tokenRequests"].items()) {
    const Field audience = token["audience"];
    const Field expiry = token["expirationSeconds"];
    if (!audiences.emplace(audience.text()).second) audience.duplicate();
    if (!expiry.is_set()) continue;
    if (expiry.number() < 600) {
      expiry.invalid("may not specify a duration less than 10 minutes");
    }
    if (expiry.number() > (std::int64_t{1} << 32)) {
      expiry.invalid("may not specify a duration larger than 2^32 seconds");
    }
  }
  for (const Field& mode : spec["volumeLifecycleModes"].items()) {
    mode.as(spec["volumeLifecycleModes"]).one_of({"Ephemeral", "Persistent"});
  }
}

void keep_driver(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  for (const char* key : {"attachRequired", "volumeLifecycleModes"}) {
    spec[key].immutable(old.find_path({"spec", key}));
  }
}

// -- CSINode

void validate_node_driver(const Field& driver) {
  constexpr std::size_t kMaxIdBytes = 256;
  validate_csi_driver_name(driver["name"]);
  const Field id = driver["nodeID"];
  if (id.require() && id.text().size() > kMaxIdBytes) {
    id.invalid("must be 256 characters or less");
  }
  const Field count = driver["allocatable"]["count"];
  if (count.is_set() && count.number() < 0) {
    count.as(driver["allocatable.count"]).invalid("must be greater than or equal to 0");
  }
  Texts keys;
  for (const Field& key : driver["topologyKeys"].items()) {
    const Field place = key.as(driver["topologyKeys"]);
    if (!place.require()) continue;
    if (!keys.emplace(key.text()).second) place.duplicate();
    place.each(api::check_qualified_name(key.text()));
  }
}

void validate_node(Change& change, const api::Value& object) {
  Texts names;
  for (const Field& driver : root(change, object)["spec"]["drivers"].items()) {
    validate_node_driver(driver);
    if (!names.emplace(driver["name"].text()).second) driver["name"].duplicate();
  }
}

// A driver may come and go, but what is there says the same.
void keep_node(Change& change, const api::Value& object, const api::Value& old) {
  const auto* before = old.find_path({"spec", "drivers"});
  if (before == nullptr || !before->is_array()) return;
  std::map<std::string_view, const api::Value*> by_name;
  for (const auto& driver : before->items()) by_name.emplace(driver.string_at("name"), &driver);
  for (const Field& driver : root(change, object)["spec"]["drivers"].items()) {
    const auto found = by_name.find(driver["name"].text());
    if (found == by_name.end()) continue;
    const api::Value& was = *found->second;
    const bool had_count = was.find_path({"allocatable", "count"}) != nullptr;
    for (const char* key : {"nodeID", "topologyKeys"}) driver[key].immutable(was.find(key));
    if (had_count) driver["allocatable"].immutable(was.find("allocatable"));
  }
}

// -- VolumeAttachment

void validate_attachment(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field source = spec["source"];
  const Field volume = source["persistentVolumeName"];
  const Field inline_spec = source["inlineVolumeSpec"];
  validate_csi_driver_name(spec["attacher"]);
  spec["nodeName"].each(api::check_dns1123_subdomain(spec["nodeName"].text()));
  if (!volume.is_set() && !inline_spec.is_set()) {
    source.required("must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  } else if (volume.is_set() && inline_spec.is_set()) {
    source.forbidden("must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  } else if (volume.is_set()) {
    if (volume.require("must specify non empty persistentVolumeName")) {
      volume.each(api::check_dns1123_subdomain(volume.text()));
    }
  } else if (!inline_spec["csi"].is_set()) {
    inline_spec["csi"].required("has to be specified in the context of inline volumes");
  }
}

void keep_attachment(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  if (!spec.same_as(old.find("spec"))) spec.invalid("field is immutable");
}

void validate_attachment_status(Change& change, const api::Value& object, const api::Value&) {
  constexpr std::size_t kMaxBytes = 1024, kMaxMetadataBytes = 256 << 10;
  const Field status = root(change, object)["status"];
  for (const char* error : {"attachError", "detachError"}) {
    const Field message = status[error]["message"];
    if (message.text().size() > kMaxBytes) message.too_long(kMaxBytes);
  }
  std::size_t bytes = 0;
  for (const auto& [key, value] : status["attachmentMetadata"].entries()) {
    bytes += key.size() + value.text().size();
  }
  if (bytes > kMaxMetadataBytes) status["attachmentMetadata"].too_long(kMaxMetadataBytes);
}

// -- CSIStorageCapacity

void validate_capacity(Change& change, const api::Value& object) {
  const Field capacity = root(change, object);
  const Field name = capacity["storageClassName"];
  validate_label_selector(capacity["nodeTopology"]);
  name.each(api::check_dns1123_subdomain(name.text()));
  for (const char* key : {"capacity", "maximumVolumeSize"}) {
    const auto amount = capacity[key].amount();
    if (amount && amount->sign() < 0) {
      capacity[key].invalid("must be greater than or equal to 0");
    }
  }
}

void keep_capacity(Change& change, const api::Value& object, const api::Value& old) {
  const Field capacity = root(change, object);
  for (const char* key : {"nodeTopology", "storageClassName"}) {
    capacity[key].immutable(old.find(key));
  }
}

// -- VolumeAttributesClass

void validate_attributes(Change& change, const api::Value& object) {
  constexpr std::size_t kMaxParameters = 512, kMaxBytes = 256 << 10;
  const Field attributes = root(change, object);
  const Field parameters = attributes["parameters"];
  std::size_t bytes = 0;
  validate_csi_driver_name(attributes["driverName"]);
  if (parameters.empty()) {
    parameters.required("must contain at least one key/value pair");
  }
  if (parameters.size() > kMaxParameters) parameters.too_long(kMaxParameters);
  for (const auto& [key, value] : parameters.entries()) {
    if (key.empty()) parameters.invalid_value("\"\"", "field can not be empty.");
    bytes += key.size() + value.text().size();
  }
  if (bytes > kMaxBytes) parameters.too_long(kMaxBytes);
}

void keep_attributes(Change& change, const api::Value& object, const api::Value& old) {
  const Field attributes = root(change, object);
  for (const char* key : {"driverName", "parameters"}) {
    if (attributes[key].same_as(old.find(key))) continue;
    attributes[key].forbidden("updates to " + std::string(key) + " are forbidden.");
  }
}

}  // namespace

const Strategy kCsiDriverStrategy{
    .storage_resource = "storage.k8s.io/csidrivers",
    .returns_deleted = true,
    .must_name_revision = true,
    .validate = validate_driver,
    .validate_update = keep_driver,
};
const Strategy kCsiNodeStrategy{
    .storage_resource = "storage.k8s.io/csinodes",
    .returns_deleted = true,
    .must_name_revision = true,
    .validate = validate_node,
    .validate_update = keep_node,
};
const Strategy kVolumeAttachmentStrategy{
    .storage_resource = "storage.k8s.io/volumeattachments",
    .returns_deleted = true,
    .must_name_revision = true,
    .validate = validate_attachment,
    .validate_update = keep_attachment,
    .validate_status = validate_attachment_status,
};
const Strategy kCsiStorageCapacityStrategy{
    .storage_resource = "storage.k8s.io/csistoragecapacities",
    .must_name_revision = true,
    .validate = validate_capacity,
    .validate_update = keep_capacity,
};
const Strategy kVolumeAttributesClassStrategy{
    .storage_resource = "storage.k8s.io/volumeattributesclasses",
    .returns_deleted = true,
    .must_name_revision = true,
    .validate = validate_attributes,
    .validate_update = keep_attributes,
};

}  // namespace pinnace::apiserver
