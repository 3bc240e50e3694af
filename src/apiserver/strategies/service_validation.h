// What a Service may not say, and what of it may not change.
//
// Source: k8s.io/kubernetes/pkg/apis/core/validation.
#pragma once

#include "apiserver/strategies/shared.h"

namespace pinnace::apiserver {

void validate_service(Change& change, const api::Value& object);
void validate_service_status(Change& change, const api::Value& object, const api::Value& old);
void warn_about_service(Change& change, const api::Value& object, const api::Value* old);
// The addresses of a balancer, in the status of a Service or an Ingress.
void validate_balancer_addresses(const Field& ingress);

}  // namespace pinnace::apiserver
