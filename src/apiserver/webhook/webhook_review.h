// What webhooks answer with where they are asked with a review, as far as all reviews are alike:
// the review of an admission and of a conversion.
//
// Errors: in Kubernetes' words, without what was tried; the caller says that in front of them.
// Source: k8s.io/apiserver/pkg/util/webhook, whose client decodes both.
#pragma once

#include <string>
#include <string_view>

#include "api/value.h"
#include "apiserver/webhook/webhook_client.h"

namespace pinnace::apiserver {

// What was sent, and so what must come back: "admission.k8s.io", "AdmissionReview".
struct ReviewForm {
  std::string_view group, kind;
  bool is_v1 = true;  // Otherwise v1beta1, which its answer need not say.
};

std::string version_of(const ReviewForm& form);

// Why an answer holds no review, whatever its body says; "" where it may.
std::string problem_of_answer(const WebhookAnswer& answer);

// A review that is of the form's kind, as far as it says so.
Result<api::Value> decode_review(api::Arena& arena, std::string_view body, const ReviewForm& form);

// A v1 review must say which it is: why `review` is not the one that was waited for, or "".
std::string problem_of_form(const api::Value& review, const ReviewForm& form);

}  // namespace pinnace::apiserver
