// Admission of what is taken but not kept: a subresource's own kind (Binding, Eviction,
// TokenRequest), the options of a connection (PodExecOptions), a review.
//
// Lifetime: shared with whoever was asked, until the last one has answered.
#pragma once

#include <functional>
#include <memory>

#include "apiserver/admission/admission.h"
#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

struct SubresourceAdmission {
  // `own_kind` is what the call's URL says, or what another path to the same subresource would.
  SubresourceAdmission(BackendRef owner, CallRef from, Operation operation,
                       const api::SubresourceInfo* own_kind);
  // What is judged. It is in the namespace of the request, which it need not say.
  Result<void> take(const api::Value& body);

  BackendRef backend;
  CallRef call;
  api::Arena arena{4 << 10};
  Change change;
  api::Value object = api::Value::object();
  AdmissionRequest request;
};
using SubresourceAdmissionRef = std::shared_ptr<SubresourceAdmission>;

// Both passes; a refusal is answered, else `go_on` is called, on any thread.
void admit_subresource(const SubresourceAdmissionRef& admission, std::function<void()> go_on);

// Admission of exec, attach, portforward and proxy; `connect` is called on the exchange's loop.
void admit_connection(const BackendRef& backend, const CallRef& call,
                      void (*connect)(const BackendRef&, const CallRef&));

}  // namespace pinnace::apiserver
