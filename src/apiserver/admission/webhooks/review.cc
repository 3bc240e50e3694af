#include "apiserver/admission/webhooks/review.h"

#include "api/json.h"
#include "apiserver/admission/pod_fields.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

std::string quoted_text(std::string_view text) {
  std::string out;
  api::write_json_string(out, text);
  return out;
}

Result<void> check_kind(const api::Value& review, bool is_v1) {
  const std::string wanted = is_v1 ? "admission.k8s.io/v1" : "admission.k8s.io/v1beta1";
  const std::string version(review.string_at("apiVersion"));
  const std::string kind(review.string_at("kind"));
  // The old form did without.
  if (!is_v1 && version.empty() && kind.empty()) return {};
  if (version == wanted && kind == "AdmissionReview") return {};
  return errors::bad_request("expected webhook response of " + wanted +
                             ", Kind=AdmissionReview, got " + version + ", Kind=" + kind);
}

Result<void> read_patch(const api::Value& response, bool is_v1, bool is_mutating,
                        ReviewAnswer& answer) {
  const std::string_view patch = response.string_at("patch"),
                         type = response.string_at("patchType");
  if (!is_mutating) {
    if (!is_v1) return {};
    if (!patch.empty()) {
      return errors::bad_request("validating webhook may not return response.patch");
    }
    if (!type.empty()) {
      return errors::bad_request("validating webhook may not return response.patchType");
    }
    return {};
  }
  if (patch.empty()) {
    if (is_v1 && !type.empty()) {
      return errors::bad_request("webhook returned response.patchType but not response.patch");
    }
    return {};
  }
  if (is_v1 && type.empty()) {
    return errors::bad_request("webhook returned response.patch but not response.patchType");
  }
  if (!type.empty() && type != "JSONPatch") {
    return errors::bad_request("webhook returned invalid response.patchType of " +
                               quoted_text(type));
  }
  auto decoded = base64_decode(patch);
  if (!decoded) return errors::bad_request("response.patch is not base64");
  if (decoded->size() > kMaxPatchBytes) return errors::bad_request("response.patch is too large");
  answer.patch = std::move(*decoded);
  return {};
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
  const auto review = api::parse_json(arena, body);
  if (!review)
    return errors::bad_request("couldn't get version/kind; json parse error: " +
                               review.error().message);
  if (auto ok = check_kind(*review, is_v1); !ok) return std::unexpected(std::move(ok.error()));
  const auto* response = review->find("response");
  if (response == nullptr || !response->is_object()) {
    return errors::bad_request("webhook response was absent");
  }
  if (is_v1 && response->string_at("uid") != uid) {
    return errors::bad_request("expected response.uid=" + quoted_text(uid) + ", got " +
                               quoted_text(response->string_at("uid")));
  }
  ReviewAnswer answer;
  answer.is_allowed = response->bool_at("allowed");
  if (auto ok = read_patch(*response, is_v1, is_mutating, answer); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  if (!answer.is_allowed) read_denial(*response, answer.denial);
  for (const auto& warning : items_at(response, "warnings")) {
    if (warning.is_string()) answer.warnings.emplace_back(warning.as_string());
  }
  for (const auto& [key, value] : members_at(response, "auditAnnotations")) {
    if (value.is_string()) answer.audit_annotations.emplace_back(key, value.as_string());
  }
  return answer;
}

Error denial_of(std::string_view webhook, const Error& said) {
  Error error = said;
  if (error.code < 400) error.code = 400;
  const std::string by = "admission webhook " + quoted_text(webhook) + " denied the request";
  if (!said.message.empty())
    error.message = by + ": " + said.message;
  else if (!said.reason.empty())
    error.message = by + ": " + said.reason;
  else
    error.message = by + " without explanation";
  return error;
}

}  // namespace pinnace::apiserver
