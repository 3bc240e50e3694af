#include "apiserver/audit/auditor.h"

#include <utility>

#include "api/json.h"
#include "apiserver/http/media.h"
#include "apiserver/registry/object_codec.h"
#include "base/strings.h"
#include "io/files.h"

namespace pinnace::apiserver::audit {

namespace {

constexpr std::size_t kMaxIdBytes = 64;
constexpr std::size_t kMaxForwarded = 16;
constexpr std::size_t kMaxHeaderBytes = 1024;
constexpr std::size_t kDefaultMegabytes = 100;

// The client's own id, if it is one that may stand in a log; else a new one.
std::string id_of(const net::Request& request, Rng& rng) {
  const std::string_view given = request.headers.get(kIdHeader);
  if (given.empty() || given.size() > kMaxIdBytes) return make_uuid(rng);
  for (const char c : given) {
    if (c < '!' || c > '~') return make_uuid(rng);
  }
  return std::string(given);
}

// Who says to have forwarded it, then who really sent it.
std::vector<std::string> source_ips(const net::Request& request) {
  std::vector<std::string> out;
  for (const std::string_view each : split(request.headers.get("x-forwarded-for"), ',')) {
    const auto ip = trim(each);
    if (!ip.empty() && ip.size() <= 45 && out.size() < kMaxForwarded) out.emplace_back(ip);
  }
  if (out.empty() || out.back() != request.peer.address) out.push_back(request.peer.address);
  return out;
}

void strip_managed_fields(api::Value& object) {
  if (auto* metadata = object.find("metadata")) metadata->erase("managedFields");
  auto* items = object.find("items");
  if (items == nullptr || !items->is_array()) return;
  for (auto& item : items->items()) {
    if (auto* metadata = item.find("metadata")) metadata->erase("managedFields");
  }
}

// The body of a request as JSON; empty when it is none.
std::string request_json(const Call& call) {
  const std::string& body = call.request.body;
  if (body.empty() || body.size() > kMaxObjectBytes) return {};
  api::Arena arena;
  const auto media = body_media(call.request.headers.get("content-type"));
  if (media && *media == Media::kProtobuf) {
    const RequestInfo& info = call.info;
    const auto* resource =
        api::builtin_schema().find_resource(info.group, info.version, info.resource);
    if (resource == nullptr || resource->type == nullptr) return {};
    const auto* subresource = resource->subresource(info.subresource);
    const auto* type =
        subresource != nullptr && subresource->type != nullptr ? subresource->type : resource->type;
    auto value = decode_body(arena, *media, body, *type, nullptr);
    return value ? api::to_json_text(*value) : std::string();
  }
  auto value = api::parse_json(arena, body);
  return value ? api::to_json_text(*value) : std::string();
}

class AuditedBody final : public net::Body {
 public:
  AuditedBody(std::shared_ptr<Record> record, int code, bool keeps, std::unique_ptr<net::Body> body)
      : record_(std::move(record)), code_(code), keeps_(keeps), body_(std::move(body)) {}
  ~AuditedBody() override { record_->complete(code_, seen_); }
  Read read(std::span<char> buffer) override {
    const Read got = body_->read(buffer);
    // One byte too many is enough for it to be left out.
    if (keeps_ && seen_.size() <= kMaxObjectBytes) seen_.append(buffer.data(), got.bytes);
    return got;
  }

 private:
  const std::shared_ptr<Record> record_;
  const int code_;
  const bool keeps_;
  const std::unique_ptr<net::Body> body_;
  std::string seen_;
};

}  // namespace

Result<std::shared_ptr<Auditor>> Auditor::create(const AuditSettings& settings, const Clock& clock,
                                                 Rng& rng, metrics::Registry& metrics) {
  if ((settings.policy_file.empty() && settings.policy_text.empty()) || settings.log_path.empty()) {
    return nullptr;
  }
  std::string text = settings.policy_text;
  if (!settings.policy_file.empty()) {
    auto read = io::read_file(settings.policy_file, kMaxPolicyBytes);
    if (!read) return std::unexpected(std::move(read.error()));
    text = std::move(*read);
  }
  auto policy = parse_policy(text);
  if (!policy) {
    policy.error().message =
        "the audit policy " + settings.policy_file + ": " + policy.error().message;
    return std::unexpected(std::move(policy.error()));
  }
  const std::size_t megabytes =
      settings.log_max_megabytes == 0 ? kDefaultMegabytes : settings.log_max_megabytes;
  auto log = LogFile::create({.path = settings.log_path,
                              .max_bytes = megabytes << 20,
                              .max_backups = settings.log_max_backups,
                              .max_age_days = settings.log_max_age_days,
                              .compress = settings.log_compress,
                              .clock = clock});
  if (!log) return std::unexpected(std::move(log.error()));
  return std::shared_ptr<Auditor>(new Auditor(
      std::move(*policy), std::move(*log), settings.log_format == "legacy", clock, rng, metrics));
}

Auditor::Auditor(Policy policy, std::unique_ptr<LogFile> log, bool is_legacy, const Clock& clock,
                 Rng& rng, metrics::Registry& metrics)
    : policy_(std::move(policy)),
      log_(std::move(log)),
      is_legacy_(is_legacy),
      clock_(clock),
      rng_(rng),
      events_(
          metrics.counter("apiserver_audit_event_total", "Audit events that were made.").with()),
      errors_(
          metrics
              .counter("apiserver_audit_error_total", "Audit events that were dropped.", {"plugin"})
              .with({"log"})) {}

void Auditor::begin(const std::shared_ptr<Auditor>& auditor, Call& call) {
  if (auditor == nullptr) return;
  const Verdict verdict = auditor->policy_.evaluate(call.user, call.info);
  if (verdict.level == Level::kNone) return;
  Event event;
  event.level = verdict.level;
  event.id = id_of(call.request, auditor->rng_);
  event.uri = call.request.target;
  event.user = call.user;
  event.source_ips = source_ips(call.request);
  event.user_agent = call.request.headers.get("user-agent").substr(0, kMaxHeaderBytes);
  event.info = call.info;
  event.received = auditor->clock_.wall();
  call.audit = std::make_shared<Record>(auditor, std::move(event), verdict);
  call.audit->write(Stage::kRequestReceived);
  if (verdict.level >= Level::kRequest) {
    call.audit->take_object(call.audit->event_.request_object, request_json(call));
  }
}

void Auditor::write(Event& event) {
  event.staged = clock_.wall();
  events_.add();
  if (!log_->add(is_legacy_ ? legacy_line(event) : json_line(event))) errors_.add();
}

Record::Record(std::shared_ptr<Auditor> auditor, Event event, Verdict verdict)
    : auditor_(std::move(auditor)), verdict_(verdict), event_(std::move(event)) {}

void Record::write(Stage stage) {
  if (verdict_.omits(stage)) return;
  event_.stage = stage;
  auditor_->write(event_);
}

void Record::annotate(std::string_view key, std::string_view value) {
  event_.annotations.emplace(key, value);
}

void Record::name_object(const store::Object& object) {
  if (event_.info.name.empty()) event_.info.name = object.key.name;
}

void Record::refuse(const Error& error) {
  event_.status = "Failure";
  event_.reason = error.reason;
  event_.message = error.message;
}

void Record::take_object(std::string& to, std::string_view json) const {
  if (json.empty() || json.size() > kMaxObjectBytes) return;
  if (!verdict_.omits_managed_fields) {
    to = json;
    while (!to.empty() && to.back() == '\n') to.pop_back();
    return;
  }
  api::Arena arena;
  auto value = api::parse_json(arena, json);
  if (!value) return;
  strip_managed_fields(*value);
  to = api::to_json_text(*value);
}

void Record::start(int code) {
  is_streaming_ = true;
  event_.code = code;
  write(Stage::kResponseStarted);
}

void Record::close(int code) {
  if (!is_streaming_) complete(code);
}

void Record::complete(int code, std::string_view response_json) {
  if (std::exchange(is_complete_, true)) return;
  event_.code = code;
  if (wants_response()) take_object(event_.response_object, response_json);
  write(Stage::kResponseComplete);
}

std::unique_ptr<net::Body> audited(std::shared_ptr<Record> record, int code, bool is_object,
                                   std::unique_ptr<net::Body> body) {
  const bool keeps = is_object && record->wants_response();
  return std::make_unique<AuditedBody>(std::move(record), code, keeps, std::move(body));
}

}  // namespace pinnace::apiserver::audit
