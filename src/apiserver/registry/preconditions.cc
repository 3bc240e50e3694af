#include "apiserver/registry/preconditions.h"

namespace pinnace::apiserver {
namespace {

struct Renamed {
  std::string_view group, resource, folder;
};
constexpr Renamed kRenamed[] = {
    {"", "replicationcontrollers", "controllers"},
    {"", "endpoints", "services/endpoints"},
    {"", "nodes", "minions"},
    {"", "services", "services/specs"},
    {"extensions", "ingresses", "ingress"},
    {"networking.k8s.io", "ingresses", "ingress"},
};

std::string folder_of(const api::ResourceInfo& storage) {
  for (const Renamed& renamed : kRenamed) {
    if (renamed.group == storage.group && renamed.resource == storage.name) {
      return std::string(renamed.folder);
    }
  }
  const bool has_own_server = storage.custom != nullptr ||
                              storage.group == "apiextensions.k8s.io" ||
                              storage.group == "apiregistration.k8s.io";
  return (has_own_server ? std::string(storage.group) + "/" : "") + std::string(storage.name);
}

}  // namespace

std::string registry_path(const api::ResourceInfo& storage, const store::Key& key) {
  return "/registry/" + folder_of(storage) + "/" + (key.ns.empty() ? "" : key.ns + "/") + key.name;
}

namespace {

Unexpected unmet(const Call& call, const store::Key& key, const std::string& what,
                 std::string_view wanted, std::string_view there) {
  return errors::conflict(
      resource_text(*call.resource), key.name,
      "StorageError: invalid object, Code: 4, Key: " + registry_path(*call.storage, key) +
          ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: " + what +
          " in precondition: " + std::string(wanted) + ", " + what +
          " in object meta: " + std::string(there));
}

}  // namespace

Unexpected other_uid(const Call& call, const store::Key& key, std::string_view wanted,
                     std::string_view there) {
  return unmet(call, key, "UID", wanted, there);
}

Unexpected other_revision(const Call& call, const store::Key& key, std::string_view wanted,
                          std::string_view there) {
  return unmet(call, key, "ResourceVersion", wanted, there);
}

}  // namespace pinnace::apiserver
