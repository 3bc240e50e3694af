// NamespaceExists refuses what is about a namespace that is not there.
#include "apiserver/admission/plugin_table.h"
#include "apiserver/backend.h"

namespace pinnace::apiserver {
namespace {

Result<void> check_namespace(AdmissionRequest& request) {
  const Change& change = request.change;
  if (!change.storage.namespaced || change.ns.empty()) return {};
  if (change.backend.store().get({"namespaces", "", change.ns})) return {};
  return errors::not_found("namespaces", change.ns);
}

}  // namespace

constinit const AdmissionPlugin kNamespaceExists{.name = "NamespaceExists",
                                                 .resources = "",
                                                 .subresources = "*",
                                                 .operations = kWrites | kDeletes,
                                                 .validate = check_namespace};

}  // namespace pinnace::apiserver
