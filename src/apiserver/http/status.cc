#include "apiserver/http/status.h"

#include "api/json.h"
#include "api/schema.h"
#include "apiserver/registry/object_codec.h"
#include "base/strings.h"
#include "base/utf8.h"

namespace pinnace::apiserver {
namespace {

// Appends `"key":"text"` after a comma when the text is not empty.
void add_text(std::string& out, std::string_view key, std::string_view text) {
  if (text.empty()) return;
  if (out.back() != '{') out += ',';
  api::write_json_string(out, key);
  out += ':';
  api::write_json_string(out, text);
}

std::string details_json(const Error& error) {
  std::string out = "{";
  add_text(out, "name", error.name);
  add_text(out, "group", error.group);
  add_text(out, "kind", error.kind);
  add_text(out, "uid", error.uid);
  if (!error.causes.empty()) {
    if (out.back() != '{') out += ',';
    out += "\"causes\":[";
    for (std::size_t i = 0; i < error.causes.size(); ++i) {
      if (i != 0) out += ',';
      std::string one = "{";
      add_text(one, "reason", error.causes[i].type);
      add_text(one, "message", error.causes[i].message);
      add_text(one, "field", error.causes[i].field);
      out += one + "}";
    }
    out += ']';
  }
  if (error.retry_after_seconds > 0) {
    if (out.back() != '{') out += ',';
    out += "\"retryAfterSeconds\":" + std::to_string(error.retry_after_seconds);
  }
  return out + "}";
}

constexpr std::string_view kInternal = "InternalError";

// Kubernetes says that it is one, and what it is once more as a cause.
Error worded_internal(Error error) {
  constexpr std::string_view kPrefix = "Internal error occurred: ";
  if (!error.causes.empty() || error.has_details) return error;
  std::string_view why = error.message;
  if (why.starts_with(kPrefix)) why.remove_prefix(kPrefix.size());
  error.causes.push_back({"", std::string(why), ""});
  error.message = std::string(kPrefix) + error.causes[0].message;
  return error;
}

}  // namespace

std::string status_json(const Error& said, std::string_view next) {
  const Error error = said.is(kInternal) ? worded_internal(said) : said;
  std::string out = R"({"kind":"Status","apiVersion":"v1","metadata":{)";
  add_text(out, "continue", next);
  out += R"(},"status":"Failure")";
  add_text(out, "message", error.message);
  add_text(out, "reason", error.reason);
  const std::string details = details_json(error);
  if (details != "{}" || error.has_details) out += ",\"details\":" + details;
  out += ",\"code\":" + std::to_string(error.code) + "}\n";
  // What was wrong may be shown as it came.
  return is_valid_utf8(out) ? out : mend_utf8(out);
}

std::string success_json(std::string_view group, std::string_view resource, std::string_view name,
                         std::string_view uid) {
  std::string out =
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":{)";
  add_text(out, "name", name);
  add_text(out, "group", group);
  add_text(out, "kind", resource);
  add_text(out, "uid", uid);
  return out + "}}\n";
}

EncodedStatus encode_status(std::string json, const Output& output) {
  if (output.media == Media::kJson && !output.pretty) {
    return {content_type_of(Media::kJson, false), std::move(json)};
  }
  api::Arena arena;
  auto tree = api::parse_json(arena, json);
  const auto* type = api::builtin_schema().find_type("meta.k8s.io", "v1", "Status");
  if (!tree || type == nullptr) return {content_type_of(Media::kJson, false), std::move(json)};
  auto bytes = encode_value(*tree, type, output);
  if (!bytes) return {content_type_of(Media::kJson, false), std::move(json)};
  return {content_type_of(output.media, false), std::move(*bytes)};
}

}  // namespace pinnace::apiserver
