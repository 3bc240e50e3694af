#include "base/error.h"

#include <cstring>
#include <set>

namespace pinnace {

namespace {

// Splits "deployments.apps" into details.kind and details.group.
void set_kind(Error& error, std::string_view qualified) {
  const auto dot = qualified.find('.');
  error.kind = qualified.substr(0, dot);
  if (dot != std::string_view::npos) error.group = qualified.substr(dot + 1);
}

Unexpected make(int code, std::string_view reason, std::string message,
                Retry retry = Retry::kNever) {
  Error error(code, std::string(reason), std::move(message));
  error.retry = retry;
  return Unexpected(std::move(error));
}

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

Unexpected about(int code, std::string_view reason, std::string_view resource,
                 std::string_view name, std::string message, Retry retry = Retry::kNever) {
  auto made = make(code, reason, std::move(message), retry);
  set_kind(made.error(), resource);
  made.error().name = name;
  made.error().has_details = true;
  return made;
}

}  // namespace

Error::Error() = default;
Error::Error(int its_code, std::string its_reason, std::string its_message)
    : code(its_code), reason(std::move(its_reason)), message(std::move(its_message)) {}
Error::Error(const Error&) = default;
Error::Error(Error&&) noexcept = default;
Error& Error::operator=(const Error&) = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::~Error() = default;

std::string aggregate_text(const std::vector<std::string>& errors) {
  std::string text;
  std::set<std::string_view> told;
  for (const std::string& error : errors) {
    if (told.insert(error).second) text += (text.empty() ? "" : ", ") + error;
  }
  return told.size() > 1 ? '[' + text + ']' : text;
}

std::string aggregate_text(const std::vector<Cause>& causes) {
  std::vector<std::string> texts;
  texts.reserve(causes.size());
  for (const Cause& each : causes) {
    texts.push_back(each.field.empty() ? each.message : each.field + ": " + each.message);
  }
  return aggregate_text(texts);
}

namespace errors {

Unexpected not_found(std::string_view resource, std::string_view name) {
  return about(404, "NotFound", resource, name,
               std::string(resource) + ' ' + quoted(name) + " not found");
}

Unexpected already_exists(std::string_view resource, std::string_view name) {
  return about(409, "AlreadyExists", resource, name,
               std::string(resource) + ' ' + quoted(name) + " already exists");
}

Unexpected conflict(std::string_view resource, std::string_view name, std::string_view why) {
  return about(409, "Conflict", resource, name,
               "Operation cannot be fulfilled on " + std::string(resource) + ' ' + quoted(name) +
                   ": " + std::string(why),
               Retry::kAfterRead);
}

Unexpected bad_request(std::string message) { return make(400, "BadRequest", std::move(message)); }

Unexpected unauthorized(std::string message) {
  return make(401, "Unauthorized", std::move(message));
}

Unexpected forbidden(std::string_view resource, std::string_view name, std::string_view why) {
  std::string message(resource);
  if (!name.empty()) message += ' ' + quoted(name);
  return about(403, "Forbidden", resource, name, message + " is forbidden: " + std::string(why));
}

Unexpected invalid(std::string_view kind, std::string_view name, std::vector<Cause> causes) {
  auto made =
      about(422, "Invalid", kind, name,
            std::string(kind) + ' ' + quoted(name) + " is invalid: " + aggregate_text(causes));
  made.error().causes = std::move(causes);
  return made;
}

Unexpected method_not_supported(std::string_view resource, std::string_view action) {
  return about(405, "MethodNotAllowed", resource, "",
               std::string(action) + " is not supported on resources of kind " + quoted(resource));
}

Unexpected not_acceptable(std::string message) {
  return make(406, "NotAcceptable", std::move(message));
}

Unexpected unsupported_media_type(std::string message) {
  return make(415, "UnsupportedMediaType", std::move(message));
}

Unexpected too_large(std::string message) {
  return make(413, "RequestEntityTooLarge", std::move(message));
}

Unexpected expired(std::string message) {
  return make(410, "Expired", std::move(message), Retry::kAfterRead);
}

Unexpected gone(std::string message) {
  return make(410, "Gone", std::move(message), Retry::kAfterRead);
}

Unexpected too_many_requests(std::string message, int retry_after_seconds) {
  auto made = make(429, "TooManyRequests", std::move(message), Retry::kLater);
  made.error().retry_after_seconds = retry_after_seconds;
  return made;
}

Unexpected timeout(std::string message, int retry_after_seconds) {
  auto made = make(504, "Timeout", std::move(message), Retry::kLater);
  made.error().retry_after_seconds = retry_after_seconds;
  made.error().has_details = true;
  return made;
}

Unexpected unavailable(std::string message) {
  return make(503, "ServiceUnavailable", std::move(message), Retry::kLater);
}

Unexpected internal(std::string message) {
  return make(500, "InternalError", std::move(message), Retry::kLater);
}

Unexpected unexplained(std::string message) { return make(500, "", std::move(message)); }

Unexpected unrouted(int code, std::string message) {
  struct Words {
    int code;
    std::string_view reason, message;
  };
  static constexpr Words kWords[] = {
      {404, "NotFound", "the server could not find the requested resource"},
      {405, "MethodNotAllowed", "the server does not allow this method on the requested resource"},
      {406, "NotAcceptable", ""},
      {415, "UnsupportedMediaType", ""},
      {422, "Invalid", "the server rejected our request due to an error in our request"},
  };
  for (const Words& words : kWords) {
    if (words.code != code) continue;
    auto made = make(code, words.reason, message.empty() ? std::string(words.message) : message);
    made.error().has_details = true;
    return made;
  }
  return unexplained(std::move(message));
}

Unexpected system(std::string_view what, int error_number) {
  return make(500, "InternalError", std::string(what) + ": " + std::strerror(error_number),
              Retry::kLater);
}

}  // namespace errors

namespace cause {

namespace {
std::string with_detail(std::string message, std::string_view detail) {
  if (!detail.empty()) message.append(": ").append(detail);
  return message;
}

// "1 item", "2 items"
std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}
}  // namespace

Cause required(std::string field, std::string_view detail) {
  return {"FieldValueRequired", with_detail("Required value", detail), std::move(field)};
}

Cause invalid(std::string field, std::string_view json_value, std::string_view detail) {
  return {"FieldValueInvalid", with_detail("Invalid value: " + std::string(json_value), detail),
          std::move(field)};
}

Cause invalid_unshown(std::string field, std::string_view detail) {
  return {"FieldValueInvalid", with_detail("Invalid value", detail), std::move(field)};
}

Cause duplicate_unshown(std::string field) {
  return {"FieldValueDuplicate", "Duplicate value", std::move(field)};
}

Cause not_supported(std::string field, std::string_view json_value,
                    const std::vector<std::string>& valid) {
  std::string list;
  for (const auto& each : valid) {
    if (!list.empty()) list += ", ";
    list += quoted(each);
  }
  return {"FieldValueNotSupported",
          "Unsupported value: " + std::string(json_value) + ": supported values: " + list,
          std::move(field)};
}

Cause duplicate(std::string field, std::string_view json_value) {
  return {"FieldValueDuplicate", "Duplicate value: " + std::string(json_value), std::move(field)};
}

Cause forbidden(std::string field, std::string_view detail) {
  return {"FieldValueForbidden", with_detail("Forbidden", detail), std::move(field)};
}

Cause not_found(std::string field, std::string_view json_value) {
  return {"FieldValueNotFound", "Not found: " + std::string(json_value), std::move(field)};
}

Cause type_invalid(std::string field, std::string_view json_value, std::string_view detail) {
  return {"FieldValueTypeInvalid", with_detail("Invalid value: " + std::string(json_value), detail),
          std::move(field)};
}

Cause too_long(std::string field, std::size_t max_bytes) {
  return {"FieldValueTooLong", "Too long: may not be more than " + counted(max_bytes, "byte"),
          std::move(field)};
}

Cause too_many(std::string field, std::size_t actual, std::size_t max_items) {
  return {
      "FieldValueTooMany",
      "Too many: " + std::to_string(actual) + ": must have at most " + counted(max_items, "item"),
      std::move(field)};
}

}  // namespace cause

}  // namespace pinnace
