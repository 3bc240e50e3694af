#include "apiserver/webhook/webhook_refusal.h"

#include "api/json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxShownBytes = 2048;

constexpr struct {
  int status;
  std::string_view text;
} kTexts[] = {
    {400, "the server rejected our request for an unknown reason"},
    {401, "the server has asked for the client to provide credentials"},
    {404, "the server could not find the requested resource"},
    {405, "the server does not allow this method on the requested resource"},
    {409, "the server reported a conflict"},
    {422, "the server rejected our request due to an error in our request"},
    {429, "the server has received too many requests and has asked us to try again later"},
    {503, "the server is currently unable to handle the request"},
    {504,
     "the server was unable to return a response in the time allotted, but may still be processing "
     "the request"},
};

// What the server itself says.
std::string own_text(const WebhookAnswer& answer) {
  const std::string_view media = answer.headers.get("content-type");
  if (!media.empty() && !media.starts_with("text/")) return "unknown";
  return std::string(trim(std::string_view(answer.body).substr(0, kMaxShownBytes)));
}

}  // namespace

std::string refusal_of(const WebhookAnswer& answer) {
  api::Arena arena;
  const auto body = api::parse_json(arena, answer.body);
  const bool is_status = body && body->is_object() && body->string_at("kind") == "Status" &&
                         body->string_at("apiVersion") == "v1";
  if (is_status) {
    if (const auto message = body->string_at("message"); !message.empty()) {
      return std::string(message);
    }
  }
  for (const auto& [status, text] : kTexts) {
    if (status == answer.status) return std::string(text);
  }
  const std::string said = own_text(answer);
  if (answer.status == 403 || answer.status == 415) return said;
  if (answer.status == 406) {
    return said.empty() || said == "unknown" ? "the server was unable to respond with a content "
                                               "type that the client supports"
                                             : said;
  }
  if (answer.status >= 500) {
    std::string quoted_text;
    api::write_json_string(quoted_text, said);
    return "an error on the server (" + quoted_text + ") has prevented the request from succeeding";
  }
  return "the server responded with the status code " + std::to_string(answer.status) +
         " but did not return more information";
}

}  // namespace pinnace::apiserver
