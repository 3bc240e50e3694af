// DefaultStorageClass: a claim that says nothing of its class gets the default one.
#include "apiserver/admission/default_class.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"

namespace pinnace::apiserver {
namespace {

Result<void> set_class(AdmissionRequest& request) {
  Change& change = request.change;
  api::Value& spec = request.object->ensure_object(change.arena, "spec");
  if (spec.find("storageClassName") != nullptr ||
      has_annotation(*request.object, "volume.beta.kubernetes.io/storage-class")) {
    return {};
  }
  const std::string name = find_default_class(change, "storage.k8s.io/storageclasses",
                                              {"storageclass.kubernetes.io/is-default-class",
                                               "storageclass.beta.kubernetes.io/is-default-class"});
  if (!name.empty()) spec.set_ref(change.arena, "storageClassName", change.text(name));
  return {};
}

}  // namespace

constinit const AdmissionPlugin kDefaultStorageClass{.name = "DefaultStorageClass",
                                                     .resources = "persistentvolumeclaims",
                                                     .subresources = "",
                                                     .operations = kCreates,
                                                     .mutate = set_class};

}  // namespace pinnace::apiserver
