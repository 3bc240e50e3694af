// What each source of a volume needs, for volumes of pods and for PersistentVolumes alike.
#include "apiserver/strategies/volume_sources.h"

#include <algorithm>
#include <array>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxInitiatorBytes = 64;

void check_partition(const Field& partition) {
  if (partition.number() < 0 || partition.number() > 255) {
    partition.invalid("must be between 1 and 255, inclusive");
  }
}

void check_lun(const Field& lun) { lun.between(0, 255); }

// A reference to a Secret; those of PersistentVolumes name its namespace too.
void check_secret(const Field& secret, const VolumeOwner& owner) {
  if (!secret.is_set()) return;
  secret["name"].require();
  if (owner.is_persistent) secret["namespace"].require();
}

void check_disk(const Field& source, const VolumeOwner&) { check_partition(source["partition"]); }

void check_host_path(const Field& source, const VolumeOwner&) {
  const Field path = source["path"];
  if (!path.require()) return;
  validate_no_backsteps(path);
  const Field type = source["type"];
  type.one_of({"", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File",
               "FileOrCreate", "Socket"});
}

void check_git(const Field& source, const VolumeOwner&) {
  validate_descending_path(source["directory"]);
}

void check_nfs(const Field& source, const VolumeOwner&) {
  const Field path = source["path"];
  if (!path.text().starts_with('/'))
    path.invalid_value(quoted(path.text()), "must be an absolute path");
}

bool all_alphanumeric(std::string_view text) {
  for (const char c : text) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!is_letter && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

// iqn.YEAR-MONTH.NAMING-AUTHORITY:UNIQUE
bool is_qualified_iscsi_name(std::string_view name) {
  const auto digits = [&](std::size_t from, std::size_t count) {
    for (std::size_t i = from; i < from + count; ++i) {
      if (i >= name.size() || name[i] < '0' || name[i] > '9') return false;
    }
    return true;
  };
  if (!name.starts_with("iqn.") || !digits(4, 4) || !digits(9, 2) || name[8] != '-') return false;
  if (name.size() < 13 || name[11] != '.') return false;
  const auto colon = name.find(':', 12);
  if (colon == std::string_view::npos || colon == 12 || colon + 1 == name.size()) return false;
  for (const char c : name.substr(12, colon - 12)) {
    if (c != '-' && c != '.' && !all_alphanumeric({&c, 1})) return false;
  }
  return name.find_first_of(",;*&$| \t\n\f\r", colon + 1) == std::string_view::npos;
}

void check_iscsi_name(const Field& name) {
  const std::string_view text = name.text();
  const bool is_known =
      text.starts_with("iqn") || text.starts_with("eui") || text.starts_with("naa");
  if (!is_known) return name.invalid("must be valid format starting with iqn, eui, or naa");
  const bool is_right = text.starts_with("iqn") ? is_qualified_iscsi_name(text)
                        : text.size() > 4 ? text.size() == (text.starts_with("eui") ? 20U : 36U) &&
                                                all_alphanumeric(text.substr(4))
                                          : false;
  if (!is_right) name.invalid("must be valid format");
}

void check_iscsi(const Field& source, const VolumeOwner& owner) {
  constexpr const char* kTooLong =
      "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if "
      "iscsi.initiatorName is specified.";
  const Field initiator = source["initiatorName"];
  const Field portal = source["targetPortal"];
  const Field name = source["iqn"];
  const Field secret = source["secretRef"];
  const bool is_too_long =
      initiator.is_set() && owner.name.size() + 1 + portal.text().size() > kMaxInitiatorBytes;
  portal.require();
  if (is_too_long && owner.is_persistent) portal.as(source["targetportal"]).invalid(kTooLong);
  if (name.require()) check_iscsi_name(name);
  check_lun(source["lun"]);
  const bool authenticates = source["chapAuthDiscovery"].flag() || source["chapAuthSession"].flag();
  if (authenticates && !secret.is_set()) secret.required();
  if (owner.is_persistent && secret.is_set()) secret["name"].require();
  if (initiator.is_set()) check_iscsi_name(initiator.as(source["initiatorname"]));
  if (is_too_long && !owner.is_persistent) {
    owner.volume["name"].invalid_value(quoted(owner.name), kTooLong);
  }
}

void check_glusterfs(const Field& source, const VolumeOwner&) {
  const Field ns = source["endpointsNamespace"];
  if (!ns.is_set()) return;
  if (ns.empty())
    ns.invalid("if the endpointnamespace is set, it must be a valid namespace name");
  else
    ns.each(api::check_dns1123_label(ns.text()));
}

void check_flocker(const Field& source, const VolumeOwner&) {
  const Field name = source["datasetName"];
  const bool has_name = !name.empty(), has_uuid = !source["datasetUUID"].empty();
  if (!has_name && !has_uuid) source.required("one of datasetName and datasetUUID is required");
  if (has_name && has_uuid) {
    source.invalid_value("\"resource\"",
                         "datasetName and datasetUUID can not be specified simultaneously");
  }
  if (name.text().find('/') != std::string_view::npos) name.invalid("must not contain '/'");
}

void check_own_secret(const Field& source, const VolumeOwner& owner) {
  check_secret(source["secretRef"], owner);
}

// "host:port" or "[address]:port".
bool is_host_and_port(std::string_view pair) {
  const auto colon = pair.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view host = pair.substr(0, colon);
  if (host.starts_with('[')) return host.find(']') + 1 == host.size();
  return host.find_first_of(":[]") == std::string_view::npos;
}

void check_quobyte(const Field& source, const VolumeOwner&) {
  constexpr const char* kPairs = "must be a host:port pair or multiple pairs separated by commas";
  const Field registry = source["registry"];
  if (registry.empty()) {
    registry.required(kPairs);
  } else if (source["tenant"].text().size() > 64) {
    source["tenant"].required("must be a UUID and may not exceed a length of 64 characters");
  } else {
    for (const std::string_view pair : split(registry.text(), ',')) {
      if (!is_host_and_port(pair)) registry.invalid(kPairs);
    }
  }
  source["volume"].require();
}

void check_fc(const Field& source, const VolumeOwner&) {
  const Field names = source["targetWWNs"];
  const Field ids = source["wwids"];
  const Field lun = source["lun"];
  if (names.empty() && ids.empty()) {
    names.required("must specify either targetWWNs or wwids, but not both");
  }
  if (!names.empty() && !ids.empty()) {
    names.invalid("targetWWNs and wwids can not be specified simultaneously");
  }
  if (names.empty()) return;
  if (!lun.is_set()) return lun.required("lun is required if targetWWNs is specified");
  check_lun(lun);
}

void check_flex(const Field& source, const VolumeOwner&) {
  for (const auto& [key, option] : source["options"].entries()) {
    const std::string group = '.' + to_lower(key.substr(0, key.find('/')));
    if (!group.ends_with(".kubernetes.io") && !group.ends_with(".k8s.io")) continue;
    option.invalid_value(quoted(key), "kubernetes.io and k8s.io namespaces are reserved");
  }
}

void check_azure_file(const Field& source, const VolumeOwner& owner) {
  const Field ns = source["secretNamespace"];
  if (owner.is_persistent && ns.is_set() && ns.empty()) ns.required();
}

void check_azure_disk(const Field& source, const VolumeOwner&) {
  const Field uri = source["diskURI"];
  const Field kind = source["kind"];
  source["cachingMode"].one_of_if_set({"None", "ReadOnly", "ReadWrite"});
  kind.one_of_if_set({"Dedicated", "Managed", "Shared"});
  if (!kind.is_set()) return;
  if (kind.is("Managed") && !uri.text().starts_with("/subscriptions/")) {
    uri.not_supported(
        {"/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/"
         "{disk-id}"});
  }
  if (!kind.is("Managed") && !uri.text().starts_with("https://")) {
    uri.not_supported(
        {"https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"});
  }
}

void check_storageos(const Field& source, const VolumeOwner& owner) {
  for (const char* key : {"volumeName", "volumeNamespace"}) {
    const Field name = source[key];
    if (!name.empty()) name.each(api::check_dns1123_label(name.text()));
  }
  check_secret(source["secretRef"], owner);
}

void check_local(const Field& source, const VolumeOwner&) {
  if (source["path"].require()) validate_no_backsteps(source["path"]);
}

void check_csi(const Field& source, const VolumeOwner& owner) {
  validate_csi_driver_name(source["driver"]);
  if (!owner.is_persistent) {
    const Field secret = source["nodePublishSecretRef"];
    if (!secret.is_set()) return;
    const Field name = secret["name"];
    if (name.require()) name.as(source["name"]).each(api::check_dns1123_subdomain(name.text()));
    return;
  }
  source["volumeHandle"].require();
  for (const char* key : {"controllerPublishSecretRef", "controllerExpandSecretRef",
                          "nodePublishSecretRef", "nodeExpandSecretRef"}) {
    const Field secret = source[key];
    if (!secret.is_set()) continue;
    const Field name = secret["name"];
    const Field ns = secret["namespace"];
    if (name.require()) name.each(api::check_dns1123_subdomain(name.text()));
    if (ns.require()) ns.each(api::check_dns1123_label(ns.text()));
  }
}

// The sources that pods and PersistentVolumes share.
struct SharedSource {
  std::string_view name;
  std::array<const char*, 3> needed;  // Members that may not be empty.
  void (*check)(const Field&, const VolumeOwner&);
  const char* shown = nullptr;  // Where messages say that it stands, if elsewhere.
};
constexpr SharedSource kShared[] = {
    {"hostPath", {}, check_host_path},
    {"gitRepo", {"repository"}, check_git},
    {"gcePersistentDisk", {"pdName"}, check_disk, "persistentDisk"},
    {"awsElasticBlockStore", {"volumeID"}, check_disk},
    {"nfs", {"server", "path"}, check_nfs},
    {"iscsi", {}, check_iscsi},
    {"glusterfs", {"endpoints", "path"}, check_glusterfs},
    {"flocker", {}, check_flocker},
    {"rbd", {"monitors", "image"}, nullptr},
    {"cinder", {"volumeID"}, check_own_secret},
    {"cephfs", {"monitors"}, nullptr},
    {"quobyte", {}, check_quobyte},
    {"fc", {}, check_fc},
    {"flexVolume", {"driver"}, check_flex},
    {"azureFile", {"secretName", "shareName"}, check_azure_file},
    {"vsphereVolume", {"volumePath"}, nullptr},
    {"photonPersistentDisk", {"pdID"}, nullptr},
    {"portworxVolume", {"volumeID"}, nullptr},
    {"azureDisk", {"diskName", "diskURI"}, check_azure_disk},
    {"scaleIO", {"gateway", "system", "volumeName"}, nullptr},
    {"local", {}, check_local},
    {"storageos", {"volumeName"}, check_storageos},
    {"csi", {}, check_csi},
};

// Where a second source is forbidden, if messages spell it otherwise.
struct Spelling {
  std::string_view name;
  const char* shown;
};
constexpr Spelling kSpellings[] = {{"cephfs", "cephFS"}, {"downwardAPI", "downwarAPI"}};

}  // namespace

void validate_shared_source(const Field& volume, std::string_view name, const VolumeOwner& owner) {
  const auto* source = std::find_if(std::begin(kShared), std::end(kShared),
                                    [&](const SharedSource& one) { return one.name == name; });
  if (source == std::end(kShared)) return;
  const Field field = volume[source->name];
  const Field shown = source->shown == nullptr ? field : field.as(volume[source->shown]);
  for (const char* member : source->needed) {
    if (member != nullptr) shown[member].require();
  }
  if (source->check != nullptr) source->check(shown, owner);
}

bool is_only_source(const Field& volume, std::string_view name, std::size_t& count) {
  const Field source = volume[name];
  if (!source.is_set()) return false;
  if (++count == 1) return true;
  const auto* other = std::find_if(std::begin(kSpellings), std::end(kSpellings),
                                   [&](const Spelling& one) { return one.name == name; });
  (other == std::end(kSpellings) ? source : source.as(volume[other->shown]))
      .forbidden("may not specify more than 1 volume type");
  return false;
}

void validate_no_backsteps(const Field& path) {
  for (const std::string_view part : split(path.text(), '/')) {
    if (part == "..") return path.invalid("must not contain '..'");
  }
}

void validate_descending_path(const Field& path) {
  if (path.text().starts_with('/')) path.invalid("must be a relative path");
  validate_no_backsteps(path);
}

void validate_local_path(const Field& path) {
  validate_descending_path(path);
  if (path.text().starts_with("..") && !path.text().starts_with("../")) {
    path.invalid("must not start with '..'");
  }
}

void validate_csi_driver_name(const Field& driver) {
  constexpr std::size_t kMaxBytes = 63;
  driver.require();
  if (driver.text().size() > kMaxBytes) driver.too_long(kMaxBytes);
  if (!driver.empty()) driver.each(api::check_dns1123_subdomain(to_lower(driver.text())));
}

}  // namespace pinnace::apiserver
