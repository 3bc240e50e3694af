// An AdmissionReview as it goes out, and what its answer says.
//
// Errors: of the answer in Kubernetes' words, as they follow "failed calling webhook: ".
// Bounds: the client bounds the answer's size; a patch is at most kMaxPatchBytes.
// Source: admission.k8s.io/v1 and v1beta1.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::apiserver {

inline constexpr std::size_t kMaxPatchBytes = 3u << 20;

struct ReviewAnswer {
  bool is_allowed = false;
  Error denial;       // Where it is not allowed: code, reason and message of its own, maybe empty.
  std::string patch;  // A JSON patch; empty: none.
  std::vector<std::string> warnings;
  std::vector<std::pair<std::string, std::string>> audit_annotations;
};

// `request` without its uid, with the objects.
std::string review_text(bool is_v1, std::string_view uid, const api::Value& request);
Result<ReviewAnswer> parse_review(std::string_view body, bool is_v1, std::string_view uid,
                                  bool is_mutating);
// What a client is told of a denial.
Error denial_of(std::string_view webhook, const Error& said);

}  // namespace pinnace::apiserver
