// StorageObjectInUseProtection: claims and volumes that are in use outlive their deletion, by a
// finalizer that a controller takes away once nobody uses them.
#include <algorithm>

#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kOfClaims = "kubernetes.io/pvc-protection";
constexpr std::string_view kOfVolumes = "kubernetes.io/pv-protection";

Result<void> protect(AdmissionRequest& request) {
  Change& change = request.change;
  const std::string_view name = request.resource() == "persistentvolumes" ? kOfVolumes : kOfClaims;
  if (has_finalizer(*request.object, name)) return {};
  ensure_array(change.arena, meta_of(change.arena, *request.object), "finalizers")
      .append(change.arena, api::Value::string_ref(name));
  return {};
}

}  // namespace

constinit const AdmissionPlugin kStorageObjectInUseProtection{
    .name = "StorageObjectInUseProtection",
    .resources = "persistentvolumes persistentvolumeclaims",
    .subresources = "",
    .operations = kCreates,
    .mutate = protect};

}  // namespace pinnace::apiserver
