// What an answer that is no success says, in the words of Kubernetes' clients: people search for
// them.
//
// Source: k8s.io/apimachinery/pkg/api/errors, what a response of each status code is taken for.
#pragma once

#include <string>

#include "apiserver/webhook/webhook_client.h"

namespace pinnace::apiserver {

inline bool is_success(const WebhookAnswer& answer) {
  return answer.status >= 200 && answer.status <= 299;
}

std::string refusal_of(const WebhookAnswer& answer);

}  // namespace pinnace::apiserver
