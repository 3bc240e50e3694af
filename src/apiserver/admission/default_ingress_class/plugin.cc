// DefaultIngressClass: an Ingress that says nothing of its class gets the default one.
#include "apiserver/admission/default_class.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"

namespace pinnace::apiserver {
namespace {

Result<void> set_class(AdmissionRequest& request) {
  Change& change = request.change;
  api::Value& spec = request.object->ensure_object(change.arena, "spec");
  if (spec.find("ingressClassName") != nullptr ||
      has_annotation(*request.object, "kubernetes.io/ingress.class")) {
    return {};
  }
  const std::string name = find_default_class(change, "networking.k8s.io/ingressclasses",
                                              {"ingressclass.kubernetes.io/is-default-class"});
  if (!name.empty()) spec.set_ref(change.arena, "ingressClassName", change.text(name));
  return {};
}

}  // namespace

constinit const AdmissionPlugin kDefaultIngressClass{.name = "DefaultIngressClass",
                                                     .resources = "networking.k8s.io/ingresses",
                                                     .subresources = "",
                                                     .operations = kCreates,
                                                     .mutate = set_class};

}  // namespace pinnace::apiserver
