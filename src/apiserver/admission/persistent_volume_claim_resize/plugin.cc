// PersistentVolumeClaimResize: a claim may grow where its storage class can do that.
#include "api/json.h"
#include "api/pod_resources.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

api::Quantity size_of(const api::Value& claim) {
  return api::quantity_of(claim.find_path({"spec", "resources", "requests", "storage"}));
}

std::string_view class_of(const api::Value& claim) {
  const std::string_view old_way = annotation_of(claim, "volume.beta.kubernetes.io/storage-class");
  return old_way.empty() ? spec_text(claim, "storageClassName") : old_way;
}

bool may_grow(const AdmissionRequest& request) {
  const std::string name(class_of(*request.object));
  if (name.empty() || name != class_of(*request.old)) return false;
  const auto found =
      request.change.backend.store().get({"storage.k8s.io/storageclasses", "", name});
  if (!found) return false;
  const auto parsed = parse_stored(request.change.arena, **found);
  return parsed && parsed->bool_at("allowVolumeExpansion");
}

Result<void> check_growth(AdmissionRequest& request) {
  if (size_of(*request.object) <= size_of(*request.old)) return {};
  const auto* status = request.old->find("status");
  if (status == nullptr || status->string_at("phase") != "Bound") {
    return admission_refusal(request.change, "Only bound persistent volume claims can be expanded");
  }
  if (may_grow(request)) return {};
  return admission_refusal(request.change,
                           "only dynamically provisioned pvc can be resized and the storageclass "
                           "that provisions the pvc must support resize");
}

}  // namespace

constinit const AdmissionPlugin kPersistentVolumeClaimResize{.name = "PersistentVolumeClaimResize",
                                                             .resources = "persistentvolumeclaims",
                                                             .subresources = "",
                                                             .operations = kUpdates,
                                                             .validate = check_growth};

}  // namespace pinnace::apiserver
