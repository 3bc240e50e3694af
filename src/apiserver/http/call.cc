#include "apiserver/http/call.h"

#include "api/deprecations.h"
#include "api/json.h"
#include "apiserver/audit/auditor.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/http/status.h"
#include "apiserver/registry/object_codec.h"
#include "net/gzip.h"

namespace pinnace::apiserver {
namespace {

// In which media an error goes: whatever is asked for, it has no other form than its own.
Output output_of_error(const Call& call) {
  const net::Headers& headers = call.request.headers;
  auto output = negotiate(headers.get("accept"), Offer{});
  if (!output) return Output{.pretty = true};
  output->pretty = output->pretty || is_laid_out(call.query, headers.get("user-agent"));
  return *output;
}

// A quoted-string of HTTP: a backslash before quotes and backslashes, and nothing else; a header
// has no control characters.
std::string quoted_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

net::Headers common_headers(const Call& call, std::string_view content_type) {
  net::Headers headers;
  headers.add("content-type", content_type);
  headers.add("cache-control", call.cache_control);
  call.turn.add_headers(headers);
  if (call.closes_connection) headers.add("connection", "close");
  if (call.is_refused_at_gate) headers.add("x-content-type-options", "nosniff");
  const auto warn = [&](std::string_view text) {
    headers.add("warning", "299 - " + quoted_string(text));
  };
  if (call.resource != nullptr) {
    const std::string_view text = api::deprecation_of(*call.resource);
    if (!text.empty()) {
      warn(text);
      audit::annotate(call, "k8s.io/deprecated", "true");
      const std::string_view removed = api::removed_release_of(*call.resource);
      if (!removed.empty()) audit::annotate(call, "k8s.io/removed-release", std::string(removed));
    }
    const CustomVersion* custom = call.resource->custom;
    if (custom != nullptr && !custom->deprecation_warning.empty()) {
      warn(custom->deprecation_warning);
    }
  }
  if (!call.user.warning.empty()) warn(call.user.warning);
  for (const auto& text : call.warnings) warn(text);
  if (!call.audit_id.empty()) headers.add(audit::kIdHeader, call.audit_id);
  return headers;
}

// The answer is given: tells whoever counts and writes down. `json`: what was sent, where the audit
// log wants it.
void done(Call& call, int status, std::string_view json = {}) {
  if (call.audit) call.audit->complete(status, json);
  call.finished(status);
}

// The body, whose end the audit log hears of.
std::unique_ptr<net::Body> watched(Call& call, int status, std::string_view content_type,
                                   std::unique_ptr<net::Body> body) {
  if (!call.audit) return body;
  call.audit->start(status);
  const bool is_object = content_type == "application/json" && call.info.verb != "watch";
  return audit::audited(call.audit, status, is_object, std::move(body));
}

// Kubernetes' threshold.
constexpr std::size_t kCompressedFromBytes = 128 << 10;

void say_compressed(net::Headers& headers) {
  headers.add("content-encoding", "gzip");
  headers.add("vary", "Accept-Encoding");
}

void respond(Call& call, int status, Media media, std::shared_ptr<const std::string> bytes) {
  call.answer_bytes = bytes->size();
  net::Headers headers = common_headers(call, content_type_of(media, false));
  if (bytes->size() >= kCompressedFromBytes && net::accepts_gzip(call.request.headers)) {
    say_compressed(headers);
    bytes = std::make_shared<const std::string>(net::gzip(*bytes));
  }
  if (call.claim()) call.exchange->respond(status, std::move(headers), std::move(bytes));
}

// An answer on its way, which ends with its Call's time.
class TimedBody final : public net::Body {
 public:
  TimedBody(CallRef call, std::unique_ptr<net::Body> body)
      : call_(std::move(call)), body_(std::move(body)) {}
  Read read(std::span<char> buffer) override {
    if (call_->is_late()) return {0, State::kFailed};
    return body_->read(buffer);
  }

 private:
  const CallRef call_;
  const std::unique_ptr<net::Body> body_;
};

// A Status that does not say that it is one, as Kubernetes' own: clients say in their own words
// that there was no answer in time.
constexpr std::string_view kLate =
    R"({"metadata":{},"status":"Failure","message":"Timeout: request did not complete within the )"
    R"(allotted timeout","reason":"Timeout","details":{},"code":504})"
    "\n";

}  // namespace

Call::~Call() { finished(0); }

void Call::started(int status) {
  if (audit) {
    audit->close(status);
  } else if (held) {
    held->release();
  }
  if (auto told = std::exchange(on_answer, nullptr)) told(is_late() ? 504 : status);
}

void Call::finished(int status) {
  started(status);
  if (is_over_.exchange(true)) return;
  deadline.leave();
  turn.release();
}

// Touches nothing that the stage which has the Call may be at.
void Call::time_out() {
  if (is_over()) return;
  is_late_.store(true, std::memory_order_release);
  exchange->post([call = shared_from_this()] {
    if (const auto told = std::exchange(call->on_late, nullptr)) told();
  });
  if (!claim()) {
    // The seats are for others now; what is still to be sent is cut.
    turn.release();
    return exchange->wake();
  }
  net::Headers headers;
  headers.add("content-type", "text/plain; charset=utf-8");
  headers.add("cache-control", "no-cache, private");
  exchange->respond(504, std::move(headers), std::string(kLate));
  // Who is late already does not wait for the audit log too.
  if (held) held->release();
  turn.leave();
}

std::string resource_text(const api::ResourceInfo& resource) {
  std::string text(resource.name);
  if (!resource.group.empty()) (text += '.') += resource.group;
  return text;
}

std::string kind_text(const api::ResourceInfo& resource) {
  std::string text(resource.kind);
  if (!resource.group.empty()) (text += '.') += resource.group;
  return text;
}

void answer_error(Call& call, const Error& error) {
  // Who has to wait for others is told so by a text.
  const bool is_text = error.code == 429 && error.reason.empty();
  std::string json = status_json(error);
  if (call.audit) call.audit->show_status(json);
  const bool is_audited = call.audit && call.audit->wants_response() && !is_text;
  const std::string shown = is_audited ? json : std::string();
  const EncodedStatus status =
      is_text ? EncodedStatus{"text/plain; charset=utf-8", error.message + "\n"}
              : encode_status(std::move(json), output_of_error(call));
  net::Headers headers = common_headers(call, status.content_type);
  if (is_text) headers.add("x-content-type-options", "nosniff");
  if (error.retry_after_seconds > 0) {
    headers.add("retry-after", std::to_string(error.retry_after_seconds));
  }
  call.answer_bytes = status.bytes.size();
  if (call.claim()) call.exchange->respond(error.code, std::move(headers), status.bytes);
  done(call, error.code, shown);
}

void answer_status(Call& call, int code, std::string json) {
  if (call.audit) call.audit->show_status(json);
  const bool is_audited = call.audit && call.audit->wants_response();
  const std::string shown = is_audited ? json : std::string();
  const EncodedStatus status = encode_status(std::move(json), call.output);
  net::Headers headers = common_headers(call, status.content_type);
  if (call.claim()) call.exchange->respond(code, std::move(headers), status.bytes);
  done(call, code, shown);
}

void answer_text(Call& call, int status, std::string_view content_type, std::string body) {
  net::Headers headers = common_headers(call, content_type);
  headers.add("x-content-type-options", "nosniff");
  call.answer_bytes = body.size();
  if (call.claim()) call.exchange->respond(status, std::move(headers), std::move(body));
  done(call, status);
}

void answer_json(Call& call, int status, std::shared_ptr<const std::string> json) {
  net::Headers headers = common_headers(call, "application/json");
  if (call.claim()) call.exchange->respond(status, std::move(headers), json);
  done(call, status, *json);
}

void answer_stream(Call& call, int status, std::string_view content_type,
                   std::unique_ptr<net::Body> body) {
  auto headers = common_headers(call, content_type);
  body = watched(call, status, content_type, std::move(body));
  if (call.claim()) call.exchange->stream(status, std::move(headers), std::move(body));
  call.started(status);
}

void answer_body(Call& call, std::string_view content_type, std::unique_ptr<net::Body> body,
                 std::size_t about_bytes) {
  call.answer_bytes = about_bytes;
  net::Headers headers = common_headers(call, content_type);
  body = watched(call, 200, content_type, std::move(body));
  if (about_bytes >= kCompressedFromBytes && net::accepts_gzip(call.request.headers)) {
    say_compressed(headers);
    body = net::gzip_body(std::move(body));
  }
  body = std::make_unique<TimedBody>(call.shared_from_this(), std::move(body));
  if (call.claim()) call.exchange->stream(200, std::move(headers), std::move(body));
  call.started(200);
}

void answer_value(Call& call, int status, const api::TypeInfo* type, const api::Value& value) {
  Output output = call.output;
  output.shape = Shape::kObject;
  auto bytes = encode_value(value, type, output);
  if (!bytes) return answer_error(call, bytes.error());
  respond(call, status, output.media, std::make_shared<const std::string>(std::move(*bytes)));
  const bool is_audited = call.audit && call.audit->wants_response();
  done(call, status, is_audited ? api::to_json_text(value) : std::string());
}

void answer_object(Call& call, int status, const store::ObjectRef& object) {
  auto bytes = encode_object(object, *call.storage, *call.resource, call.output);
  if (!bytes) return answer_error(call, bytes.error());
  respond(call, status, call.output.media, std::move(*bytes));
  std::string shown;
  if (call.audit) {
    if (call.audit->wants_response()) {
      Output as_json = call.output;
      as_json.media = Media::kJson;
      as_json.pretty = false;
      const auto json = encode_object(object, *call.storage, *call.resource, as_json);
      if (json) shown = **json;
    }
  }
  done(call, status, shown);
}

}  // namespace pinnace::apiserver
