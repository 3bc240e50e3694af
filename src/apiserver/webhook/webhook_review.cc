#include "apiserver/webhook/webhook_review.h"

#include "api/go_text.h"
#include "api/json.h"
#include "apiserver/webhook/webhook_refusal.h"

namespace pinnace::apiserver {
namespace {

// "v1" of "admission.k8s.io/v1".
std::string_view behind_slash(std::string_view version) {
  return version.substr(version.rfind('/') + 1);
}

// What is not said is what was asked for.
Result<void> check_registered(const api::Value& review, const ReviewForm& form) {
  const std::string wanted = version_of(form);
  const auto or_else = [](std::string_view said, std::string_view otherwise) {
    return said.empty() ? otherwise : said;
  };
  const std::string_view version = or_else(review.string_at("apiVersion"), wanted);
  const std::string_view kind = or_else(review.string_at("kind"), form.kind);
  ReviewForm other = form;
  other.is_v1 = !form.is_v1;
  if (kind != form.kind || (version != wanted && version != version_of(other))) {
    return errors::internal("no kind " + api::go_quoted(kind) + " is registered for version " +
                            api::go_quoted(version) +
                            " in scheme \"k8s.io/apiserver/pkg/util/webhook/client.go:71\"");
  }
  if (version == wanted) return {};
  return errors::internal("converting (" + std::string(behind_slash(version)) + "." +
                          std::string(kind) + ") to (" + std::string(behind_slash(wanted)) + "." +
                          std::string(kind) + "): unknown conversion");
}

}  // namespace

std::string version_of(const ReviewForm& form) {
  return std::string(form.group) + (form.is_v1 ? "/v1" : "/v1beta1");
}

std::string problem_of_answer(const WebhookAnswer& answer) {
  if (!is_success(answer)) return refusal_of(answer);
  if (!answer.body.empty()) return {};
  return "0-length response with status code: " + std::to_string(answer.status) +
         " and content type: " + std::string(answer.headers.get("content-type"));
}

Result<api::Value> decode_review(api::Arena& arena, std::string_view body, const ReviewForm& form) {
  auto review = api::parse_json(arena, body);
  if (!review) {
    return errors::internal("couldn't get version/kind; json parse error: " +
                            review.error().message);
  }
  if (auto ok = check_registered(*review, form); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  return review;
}

std::string problem_of_form(const api::Value& review, const ReviewForm& form) {
  const std::string_view version = review.string_at("apiVersion");
  const std::string_view kind = review.string_at("kind");
  // The old form did without.
  if (!form.is_v1 && version.empty() && kind.empty()) return {};
  const std::string wanted = version_of(form);
  if (version == wanted && kind == form.kind) return {};
  return "expected webhook response of " + wanted + ", Kind=" + std::string(form.kind) + ", got " +
         (version.contains('/') ? "" : "/") + std::string(version) + ", Kind=" + std::string(kind);
}

}  // namespace pinnace::apiserver
