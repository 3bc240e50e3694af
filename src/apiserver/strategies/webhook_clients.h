// How webhooks are called: what a configuration of a client may say.
//
// Source: k8s.io/apiserver/pkg/util/webhook.
#pragma once

#include "apiserver/strategies/field.h"

namespace pinnace::apiserver {

// `url` or `service`, one of them.
void validate_webhook_client(const Field& client);
// What is wrong with certificates in base64 that are to prove the server, or "".
std::string problem_of_ca_bundle(std::string_view bundle);

}  // namespace pinnace::apiserver
