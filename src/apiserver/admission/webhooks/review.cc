#include "apiserver/admission/webhooks/review.h"

#include <algorithm>

#include "api/go_text.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "api/schema.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/webhook/webhook_review.h"
#include "base/assert.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// The answer was not understood at all, or says what it must not.
Unexpected not_understood(const std::string& why) {
  return errors::bad_request("failed to call webhook: " + why);
}
Unexpected not_valid(const std::string& why) {
  return errors::bad_request("received invalid webhook response: " + why);
}

Result<api::Value> decode(api::Arena& arena, std::string_view body, const ReviewForm& form) {
  auto review = decode_review(arena, body, form);
  if (!review) return not_understood(review.error().message);
  const api::TypeInfo& type = *api::builtin_schema().find_type(form.group, "v1", form.kind);
  if (auto ok = api::normalise(arena, *review, type); !ok) {
    return not_understood(std::string(api::decoding_problem(type, ok.error().message)));
  }
  return review;
}

Result<void> read_patch(const api::Value& response, bool is_v1, bool is_mutating,
                        ReviewAnswer& answer) {
  const std::string_view patch = response.string_at("patch"),
                         type = response.string_at("patchType");
  if (!is_mutating) {
    if (!is_v1) return {};
    if (!patch.empty()) {
      return not_valid("validating webhook may not return response.patch");
    }
    if (!type.empty()) {
      return not_valid("validating webhook may not return response.patchType");
    }
    return {};
  }
  if (patch.empty()) {
    if (is_v1 && !type.empty()) {
      return not_valid("webhook returned response.patchType but not response.patch");
    }
    return {};
  }
  if (is_v1 && type.empty()) {
    return not_valid("webhook returned response.patch but not response.patchType");
  }
  auto decoded = base64_decode(patch);  // Its type has been checked.
  PINNACE_ASSERT(decoded.has_value());
  if (decoded->size() > kMaxPatchBytes) return not_valid("response.patch is too large");
  api::Arena arena;
  const auto operations = api::parse_json(arena, *decoded);
  if (!operations || !operations->is_array()) {
    return errors::bad_request("received undecodable patch in webhook response: " +
                               (operations ? "json: cannot unmarshal " + api::go_kind(*operations) +
                                                 " into Go value of type jsonpatch.Patch"
                                           : operations.error().message));
  }
  if (operations->empty()) return {};
  if (is_v1 && type != "JSONPatch") {
    return errors::bad_request("unsupported patch type " + api::go_quoted(type));
  }
  answer.patch = std::move(*decoded);
  return {};
}

// Headers have no room for others.
bool is_shown(std::string_view warning) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
  return !warning.empty() && std::ranges::none_of(warning, is_control);
}

void read_denial(const api::Value& response, Error& denial) {
  denial = Error{};
  denial.code = 0;
  const auto* status = response.find("status");
  if (status == nullptr || !status->is_object()) return;
  denial.code = static_cast<int>(status->int_at("code"));
  denial.reason = status->string_at("reason");
  denial.message = status->string_at("message");
  const auto* details = status->find("details");
  if (details == nullptr || !details->is_object()) return;
  denial.group = details->string_at("group");
  denial.kind = details->string_at("kind");
  denial.name = details->string_at("name");
  denial.uid = details->string_at("uid");
  denial.retry_after_seconds = static_cast<int>(details->int_at("retryAfterSeconds"));
  for (const auto& cause : items_at(details, "causes")) {
    denial.causes.push_back({std::string(cause.string_at("reason")),
                             std::string(cause.string_at("message")),
                             std::string(cause.string_at("field"))});
  }
}

}  // namespace

std::string review_text(bool is_v1, std::string_view uid, const api::Value& request) {
  std::string out = is_v1 ? R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1",)"
                          : R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1",)";
  out += R"("request":{"uid":)";
  api::write_json_string(out, uid);
  for (const auto& [key, value] : request.members()) {
    out += ',';
    api::write_json_string(out, key);
    out += ':';
    api::write_json(out, value);
  }
  return out += "}}";
}

Result<ReviewAnswer> parse_review(std::string_view body, bool is_v1, std::string_view uid,
                                  bool is_mutating) {
  api::Arena arena(16 << 10);
  const ReviewForm form{"admission.k8s.io", "AdmissionReview", is_v1};
  const auto review = decode(arena, body, form);
  if (!review) return std::unexpected(review.error());
  if (const auto why = problem_of_form(*review, form); !why.empty()) return not_valid(why);
  const auto* response = review->find("response");
  if (response == nullptr || !response->is_object()) {
    return not_valid("webhook response was absent");
  }
  if (is_v1 && response->string_at("uid") != uid) {
    return not_valid("expected response.uid=" + api::go_quoted(uid) + ", got " +
                     api::go_quoted(response->string_at("uid")));
  }
  ReviewAnswer answer;
  answer.is_allowed = response->bool_at("allowed");
  if (auto ok = read_patch(*response, is_v1, is_mutating, answer); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  if (!answer.is_allowed) read_denial(*response, answer.denial);
  for (const auto& warning : items_at(response, "warnings")) {
    const std::string_view text = warning.as_string();
    if (is_shown(text)) answer.warnings.emplace_back(text);
  }
  for (const auto& [key, value] : members_at(response, "auditAnnotations")) {
    if (value.is_string()) answer.audit_annotations.emplace_back(key, value.as_string());
  }
  return answer;
}

Error denial_of(std::string_view webhook, const Error& said) {
  Error error = said;
  if (error.code < 400) error.code = 400;
  const std::string by = "admission webhook " + api::go_quoted(webhook) + " denied the request";
  if (!said.message.empty())
    error.message = by + ": " + said.message;
  else if (!said.reason.empty())
    error.message = by + ": " + said.reason;
  else
    error.message = by + " without explanation";
  return error;
}

}  // namespace pinnace::apiserver
