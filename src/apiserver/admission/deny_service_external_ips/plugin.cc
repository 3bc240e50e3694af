// DenyServiceExternalIPs: a Service may not claim addresses of others for itself.
#include <algorithm>

#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"

namespace pinnace::apiserver {
namespace {

Result<void> check_addresses(AdmissionRequest& request) {
  const auto before =
      items_at(request.old == nullptr ? nullptr : request.old->find("spec"), "externalIPs");
  for (const auto& address : items_at(request.object->find("spec"), "externalIPs")) {
    const bool was_there = std::ranges::any_of(
        before, [&](const api::Value& old) { return api::equal(old, address); });
    if (was_there) continue;
    return admission_refusal(request.change, "Use of external IPs is denied by admission control.");
  }
  return {};
}

}  // namespace

constinit const AdmissionPlugin kDenyServiceExternalIps{.name = "DenyServiceExternalIPs",
                                                        .resources = "services",
                                                        .subresources = "",
                                                        .operations = kWrites,
                                                        .validate = check_addresses};

}  // namespace pinnace::apiserver
