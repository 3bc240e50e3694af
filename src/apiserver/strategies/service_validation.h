// What a Service may not say, and what of it may not change.
//
// Source: k8s.io/kubernetes/pkg/apis/core/validation.
#pragma once

#include "apiserver/strategies/shared.h"

namespace pinnace::apiserver {

// Whether an update leaves alone a Service that only prefers to have both families. It has what it
// got when it was made then, whether the cluster has had another family since, or lost one.
bool keeps_preferred_families(const api::Value& spec, const api::Value* before);

void validate_service(Change& change, const api::Value& object);
void validate_service_status(Change& change, const api::Value& object, const api::Value& old);
void warn_about_service(Change& change, const api::Value& object, const api::Value* old);
// The addresses of a balancer, in the status of a Service or an Ingress.
void validate_balancer_addresses(const Field& ingress);

}  // namespace pinnace::apiserver
