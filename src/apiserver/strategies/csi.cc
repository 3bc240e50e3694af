// What storage drivers say of themselves, and attachments of their volumes.
#include <map>
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/internal_form.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "apiserver/strategies/volume_sources.h"

namespace pinnace::apiserver {
namespace {

using Texts = std::set<std::string, std::less<>>;

// -- CSIDriver

// Kubernetes' messages have always called it so.
Field attach_required(const Field& spec) {
  return spec["attachRequired"].as(spec["attachedRequired"]);
}

void validate_driver(Change& change, const api::Value& object) {
  constexpr std::int64_t kLeastSeconds = 10;
  const Field spec = root(change, object)["spec"];
  const Field attach = attach_required(spec);
  if (!attach.is_set()) attach.required();
  for (const char* needed : {"podInfoOnMount", "storageCapacity"}) {
    if (!spec[needed].is_set()) spec[needed].required();
  }
  spec["fsGroupPolicy"].one_of_if_set({"File", "None", "ReadWriteOnceWithFSType"});
  Texts audiences;
  for (const Field& token : spec["tokenRequests"].items()) {
    const Field audience = token["audience"];
    const Field expiry = token["expirationSeconds"];
    if (!audiences.emplace(audience.text()).second) {
      audience.duplicate_value(quoted(audience.text()));
      continue;
    }
    if (!expiry.is_set()) continue;
    if (expiry.number() < 600) {
      expiry.invalid("may not specify a duration less than 10 minutes");
    }
    if (expiry.number() > (std::int64_t{1} << 32)) {
      expiry.invalid("may not specify a duration larger than 2^32 seconds");
    }
  }
  for (const Field& mode : spec["volumeLifecycleModes"].items()) {
    const Field place = mode.as(spec["volumeLifecycleModes"]);
    if (!mode.is_among({"Persistent", "Ephemeral"})) {
      place.not_supported({"Persistent", "Ephemeral"});
    }
  }
  const Field in_secrets = spec["serviceAccountTokenInSecrets"];
  const Field period = spec["nodeAllocatableUpdatePeriodSeconds"];
  if (period.is_set() && period.number() < kLeastSeconds) {
    period.invalid("must be greater than or equal to 10 seconds");
  }
  if (in_secrets.is_set() && spec["tokenRequests"].empty()) {
    in_secrets.invalid("serviceAccountTokenInSecrets is set but no tokenRequests are specified");
  }
}

// The first generation is the one that comes of a change.
Result<void> count_driver(Change& change, api::Value& object, const api::Value& old) {
  if (root(change, object)["spec"].same_as(old.find("spec"))) return {};
  api::Value& meta = meta_of(change.arena, object);
  meta.set_ref(change.arena, "generation", api::Value::integer(meta.int_at("generation") + 1));
  return {};
}

void warn_about_driver(Change& change, const api::Value& object, const api::Value* old) {
  const Field spec = root(change, object)["spec"];
  const Field tokens = spec["tokenRequests"];
  const bool is_old = old != nullptr && tokens.same_as(old->find_path({"spec", "tokenRequests"}));
  if (tokens.empty() || is_old || spec["serviceAccountTokenInSecrets"].is_set()) return;
  change.warn(
      "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to "
      "prevent possible logging of tokens in volume attributes");
}

void keep_driver(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  attach_required(spec).immutable(old.find_path({"spec", "attachRequired"}));
  const Field modes = spec["volumeLifecycleModes"];
  if (!modes.same_as(old.find_path({"spec", "volumeLifecycleModes"}))) {
    modes.invalid("field is immutable");
  }
}

// -- CSINode

void validate_node_driver(const Field& driver, Texts& names) {
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
  if (!names.emplace(driver["name"].text()).second) driver["name"].duplicate();
  Texts keys;
  for (const Field& key : driver["topologyKeys"].items()) {
    // Complaints leave out which member of the driver it is.
    const Field place = key.as(driver);
    place.require();
    if (!keys.emplace(key.text()).second) place.duplicate();
    place.each(api::check_qualified_name(key.text()));
  }
}

void validate_node(Change& change, const api::Value& object) {
  Texts names;
  for (const Field& driver : root(change, object)["spec"]["drivers"].items()) {
    validate_node_driver(driver, names);
  }
}

// A driver may come and go, but what is there says the same, except for how many volumes it takes.
void keep_node(Change& change, const api::Value& object, const api::Value& old) {
  const auto* before = old.find_path({"spec", "drivers"});
  if (before == nullptr || !before->is_array()) return;
  std::map<std::string_view, const api::Value*> by_name;
  for (const auto& driver : before->items()) by_name.emplace(driver.string_at("name"), &driver);
  const Field drivers = root(change, object)["spec"]["drivers"];
  for (const Field& driver : drivers.items()) {
    const auto found = by_name.find(driver["name"].text());
    if (found == by_name.end()) continue;
    const api::Value& was = *found->second;
    if (driver["nodeID"].same_as(was.find("nodeID")) &&
        driver["topologyKeys"].same_as(was.find("topologyKeys"))) {
      continue;
    }
    api::Value shown = api::deep_copy(change.arena, *driver.value());
    shown.erase("allocatable");
    drivers.invalid_value(internal_form(driver.with(&shown), "storage.k8s.io", "CSINodeDriver"),
                          "field is immutable");
  }
}

// -- VolumeAttachment

void validate_attachment(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field source = spec["source"];
  const Field volume = source["persistentVolumeName"];
  const Field inline_spec = source["inlineVolumeSpec"];
  spec["attacher"].require();
  if (!volume.is_set() && !inline_spec.is_set()) {
    source.required("must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  } else if (volume.is_set() && inline_spec.is_set()) {
    source.forbidden("must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  } else if (volume.is_set()) {
    volume.require("must specify non empty persistentVolumeName");
  } else {
    validate_volume_spec(inline_spec, "", true);
  }
  spec["nodeName"].each(api::check_dns1123_subdomain(spec["nodeName"].text()));
  if (change.old != nullptr || change.call.resource->version != "v1") return;
  validate_csi_driver_name(spec["attacher"]);
  if (volume.is_set()) volume.each(api::check_dns1123_subdomain(volume.text()));
}

void keep_attachment(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  if (!spec.same_as(old.find("spec"))) spec.invalid("field is immutable");
}

void validate_attachment_status(Change& change, const api::Value& object, const api::Value&) {
  constexpr std::size_t kMaxBytes = 1024, kMaxMetadataBytes = 256 << 10;
  const Field status = root(change, object)["status"];
  std::size_t bytes = 0;
  for (const auto& [key, value] : status["attachmentMetadata"].entries()) {
    bytes += key.size() + value.text().size();
  }
  if (bytes > kMaxMetadataBytes) status["attachmentMetadata"].too_long(kMaxMetadataBytes);
  for (const char* error : {"attachError", "detachError"}) {
    const Field message = status[error]["message"];
    const Field code = status[error]["errorCode"];
    // Kubernetes' message has always named the other bound.
    if (message.text().size() > kMaxBytes) message.too_long(kMaxMetadataBytes);
    if (code.number() < 0) code.invalid("must be between 0 and 2147483647, inclusive");
  }
}

// -- CSIStorageCapacity

void validate_capacity(Change& change, const api::Value& object) {
  const Field capacity = root(change, object);
  const Field name = capacity["storageClassName"];
  validate_label_selector(capacity["nodeTopology"]);
  name.each(api::check_dns1123_subdomain(name.text()));
  const Field space = capacity["capacity"];
  const auto amount = space.amount();
  if (amount && amount->sign() < 0) space.invalid("must be greater than or equal to 0");
}

void keep_capacity(Change& change, const api::Value& object, const api::Value& old) {
  const Field capacity = root(change, object);
  for (const char* key : {"nodeTopology", "storageClassName"}) {
    capacity[key].immutable(old.find(key));
  }
}

// -- VolumeAttributesClass

void validate_attributes(Change& change, const api::Value& object) {
  const Field attributes = root(change, object);
  const Field parameters = attributes["parameters"];
  validate_provisioner(attributes["driverName"]);
  validate_storage_parameters(parameters);
  parameters.require("must contain at least one key/value pair");
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
    .prepare_update = count_driver,
    .validate = validate_driver,
    .validate_update = keep_driver,
    .warn = warn_about_driver,
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
