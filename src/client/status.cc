#include "client/status.h"

#include <algorithm>
#include <string>

#include "api/json.h"
#include "api/value.h"

namespace pinnace::client {

namespace {

constexpr std::size_t kMaxForeignText = 200;

void read_details(const api::Value& details, Error& error) {
  error.group = details.string_at("group");
  error.kind = details.string_at("kind");
  error.name = details.string_at("name");
  error.uid = details.string_at("uid");
  error.retry_after_seconds = static_cast<int>(details.int_at("retryAfterSeconds"));
  const api::Value* causes = details.find("causes");
  if (causes == nullptr || !causes->is_array()) return;
  for (const api::Value& each : causes->items()) {
    error.causes.push_back({std::string(each.string_at("reason")),
                            std::string(each.string_at("message")),
                            std::string(each.string_at("field"))});
  }
}

}  // namespace

Retry retry_for(int code, std::string_view reason) {
  if (reason == "Conflict" || code == 410) return Retry::kAfterRead;
  if (code == 408 || code == 429 || code >= 500) return Retry::kLater;
  return Retry::kNever;
}

Error error_from_status(int http_status, std::string_view body) {
  Error error;
  error.code = http_status;
  api::Arena arena;
  const auto parsed = api::parse_json(arena, body);
  if (parsed && parsed->is_object() && parsed->string_at("kind") == "Status") {
    const auto code = parsed->int_at("code");
    if (code >= 400 && code < 600) error.code = static_cast<int>(code);
    error.reason = parsed->string_at("reason");
    error.message = parsed->string_at("message");
    if (const api::Value* details = parsed->find("details")) read_details(*details, error);
  } else {
    error.message = "the server answered " + std::to_string(http_status);
    if (!body.empty()) error.message.append(": ").append(body.substr(0, kMaxForeignText));
  }
  error.retry = retry_for(error.code, error.reason);
  return error;
}

}  // namespace pinnace::client
