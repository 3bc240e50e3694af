// AlwaysDeny refuses everything. For tests of clients.
#include "apiserver/admission/plugin_table.h"

namespace pinnace::apiserver {
namespace {

Result<void> deny(AdmissionRequest& request) {
  return admission_refusal(request.change, "admission control is denying all modifications");
}

}  // namespace

constinit const AdmissionPlugin kAlwaysDeny{.name = "AlwaysDeny",
                                            .resources = "",
                                            .subresources = "*",
                                            .operations = kAnyOperation,
                                            .mutate = deny,
                                            .validate = deny};

}  // namespace pinnace::apiserver
