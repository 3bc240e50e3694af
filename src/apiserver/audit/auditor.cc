#include "apiserver/audit/auditor.h"

#include <atomic>
#include <utility>

#include "api/addresses.h"
#include "api/json.h"
#include "apiserver/audit/log_file.h"
#include "apiserver/audit/webhook_sink.h"
#include "apiserver/http/status.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/server.h"
#include "base/strings.h"
#include "io/files.h"

namespace pinnace::apiserver::audit {

namespace {

constexpr std::size_t kMaxForwarded = 16;
constexpr std::size_t kMaxHeaderBytes = 1024;
constexpr std::size_t kDefaultMegabytes = 100;

}  // namespace

std::string id_of(const net::Request& request, Rng& rng) {
  constexpr std::size_t kMaxIdBytes = 64;
  const std::string_view given = request.headers.get(kIdHeader);
  if (given.empty() || given.size() > kMaxIdBytes) return make_uuid(rng);
  for (const char c : given) {
    if (c < '!' || c > '~') return make_uuid(rng);
  }
  return std::string(given);
}

namespace {

// Those that it says to have come from, then who really sent it.
std::vector<std::string> source_ips(const net::Request& request) {
  std::vector<std::string> out;
  for (const std::string_view each : split(request.headers.get("x-forwarded-for"), ',')) {
    const auto ip = api::parse_address(trim(each));
    if (ip && out.size() < kMaxForwarded) out.push_back(ip->text());
  }
  const auto real = api::parse_address(request.headers.get("x-real-ip"));
  if (real && std::ranges::find(out, real->text()) == out.end()) out.push_back(real->text());
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

class LogSink final : public Sink {
 public:
  LogSink(std::unique_ptr<LogFile> file, std::string (*line)(const Event&),
          const AuditLimits& limits, metrics::Series& dropped)
      : file_(std::move(file)), line_(line), limits_(limits), dropped_(dropped) {}

  void add(const Event& event, Stored stored) override {
    const auto line = limited_text(event, limits_, line_);
    if (line && file_->add(*line, stored)) return;
    dropped_.add();
    if (stored) stored(false);
  }
  // The file writes what waits when it goes.
  void drain(Duration) override {}

 private:
  const std::unique_ptr<LogFile> file_;
  std::string (*const line_)(const Event&);
  const AuditLimits limits_;
  metrics::Series& dropped_;
};

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

Result<std::shared_ptr<Auditor>> Auditor::create(const Options& options) {
  const AuditSettings& settings = options.configuration.audit;
  const bool has_sink = !settings.log_path.empty() || !settings.webhook_config_file.empty();
  if ((settings.policy_file.empty() && settings.policy_text.empty()) || !has_sink) return nullptr;
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
  std::shared_ptr<Auditor> made(new Auditor(std::move(*policy), options));
  if (!settings.log_path.empty()) {
    if (auto ok = made->add_log(options); !ok) return std::unexpected(std::move(ok.error()));
  }
  if (!settings.webhook_config_file.empty()) {
    if (auto ok = made->add_webhook(options); !ok) return std::unexpected(std::move(ok.error()));
  }
  for (const Keeper& keeper : made->keepers_) {
    made->blocking_ += keeper.mode != AuditMode::kBatch ? 1u : 0u;
  }
  return made;
}

Auditor::Auditor(Policy policy, const Options& options)
    : policy_(std::move(policy)),
      clock_(options.clock),
      events_(options.metrics.counter("apiserver_audit_event_total", "Audit events that were made.")
                  .with()),
      rejected_(options.metrics
                    .counter("apiserver_audit_requests_rejected_total",
                             "Requests that were refused because they could not be written down.")
                    .with()),
      errors_(options.metrics.counter("apiserver_audit_error_total",
                                      "Audit events that were dropped.", {"plugin"})) {
  auto& levels = options.metrics.counter(
      "apiserver_audit_level_total", "Requests by how much of them is written down.", {"level"});
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    levels_[i] = &levels.with({std::string(text_of(static_cast<Level>(i)))});
  }
}

Result<void> Auditor::add_log(const Options& options) {
  const AuditSettings& settings = options.configuration.audit;
  if (auto ok = check_limits(settings.log_limits, "log"); !ok) return ok;
  const std::size_t megabytes =
      settings.log_max_megabytes == 0 ? kDefaultMegabytes : settings.log_max_megabytes;
  auto file = LogFile::create({.path = settings.log_path,
                               .max_bytes = megabytes << 20,
                               .max_backups = settings.log_max_backups,
                               .max_age_days = settings.log_max_age_days,
                               .compress = settings.log_compress,
                               .gather = settings.log_batch.max_wait,
                               .many_lines = settings.log_batch.max_events,
                               .max_waiting_lines = settings.log_batch.buffer_events,
                               .clock = options.clock});
  if (!file) return std::unexpected(std::move(file.error()));
  const bool is_legacy = settings.log_format == "legacy";
  keepers_.push_back(
      {std::make_unique<LogSink>(std::move(*file), is_legacy ? legacy_line : json_line,
                                 settings.log_limits, errors_.with({"log"})),
       settings.log_mode.value_or(AuditMode::kBatch)});
  return {};
}

Result<void> Auditor::add_webhook(const Options& options) {
  const AuditSettings& settings = options.configuration.audit;
  if (auto ok = check_limits(settings.webhook_limits, "webhook"); !ok) return ok;
  if (options.webhooks == nullptr) return errors::bad_request("webhooks cannot be called here");
  auto target = WebhookTarget::read_kubeconfig(settings.webhook_config_file);
  if (!target) return std::unexpected(std::move(target.error()));
  keepers_.push_back({std::make_unique<WebhookSink>(
                          WebhookSink::Options{.client = *options.webhooks,
                                               .target = std::move(*target),
                                               .batch = settings.webhook_batch,
                                               .limits = settings.webhook_limits,
                                               .initial_backoff = settings.webhook_initial_backoff,
                                               .executor = options.executor,
                                               .rng = options.rng,
                                               .dropped = errors_.with({"webhook"})}),
                      settings.webhook_mode});
  return {};
}

void Auditor::drain(Duration at_most) {
  for (const Keeper& keeper : keepers_) keeper.sink->drain(at_most);
}

void Auditor::hold(Call& call) const {
  if (blocking_ == 0) return;
  call.held = std::make_shared<HeldExchange>(std::move(call.exchange));
  call.exchange = call.held;
}

std::shared_ptr<Record> Auditor::make_record(const std::shared_ptr<Auditor>& auditor,
                                             const Call& call) {
  if (auditor == nullptr) return nullptr;
  const Verdict verdict = auditor->policy_.evaluate(call.user, call.info);
  auditor->levels_[static_cast<std::size_t>(verdict.level)]->add();
  if (verdict.level == Level::kNone) return nullptr;
  Event event;
  event.level = verdict.level;
  event.id = call.audit_id;
  event.uri = call.request.target;
  event.user = call.user;
  event.source_ips = source_ips(call.request);
  event.user_agent = call.request.headers.get("user-agent").substr(0, kMaxHeaderBytes);
  event.info = call.info;
  event.received = auditor->clock_.wall();
  auto record = std::make_shared<Record>(auditor, std::move(event), verdict);
  record->held_ = call.held;
  return record;
}

void Auditor::begin_refusal(const std::shared_ptr<Auditor>& auditor, Call& call) {
  call.audit = make_record(auditor, call);
  if (call.audit) call.audit->last_stage_ = Stage::kResponseStarted;
}

void Auditor::begin(const std::shared_ptr<Auditor>& auditor, Call& call) {
  call.audit = make_record(auditor, call);
  if (!call.audit) return;
  for (const auto& [key, value] : call.user.notes) call.audit->annotate(key, value);
  if (!call.held) call.audit->write(Stage::kRequestReceived);
}

void Auditor::write(Event& event, Sink::Stored stored) {
  event.staged = clock_.wall();
  events_.add();
  struct Wait {
    std::atomic<std::size_t> missing;
    std::atomic<bool> is_kept{true};
    Sink::Stored stored;
  };
  std::shared_ptr<Wait> wait;
  if (stored && blocking_ != 0) wait.reset(new Wait{{blocking_}, {true}, std::move(stored)});
  for (const Keeper& keeper : keepers_) {
    if (!wait || keeper.mode == AuditMode::kBatch) {
      keeper.sink->add(event, nullptr);
      continue;
    }
    const bool is_strict = keeper.mode == AuditMode::kBlockingStrict;
    keeper.sink->add(event, [wait, is_strict](bool is_stored) {
      if (!is_stored && is_strict) wait->is_kept = false;
      if (wait->missing.fetch_sub(1) == 1) wait->stored(wait->is_kept);
    });
  }
}

void annotate(const Call& call, std::string_view key, std::string_view value, Level least) {
  if (call.audit && call.audit->level() >= least) call.audit->annotate(key, value);
}

void take_request(const Call& call, const api::Value& object) {
  if (call.audit) call.audit->take_request(object);
}

void take_options(const Call& call, api::Arena& arena, api::Value options) {
  if (!call.audit) return;
  options.set_ref(arena, "kind", api::Value::string_ref("DeleteOptions"));
  options.set_ref(arena, "apiVersion", api::Value::string_ref("meta.k8s.io/__internal"));
  call.audit->take_request(options);
}

void take_patch(const Call& call, const api::Value& patch) {
  if (call.audit) call.audit->take_patch(patch);
}

Record::Record(std::shared_ptr<Auditor> auditor, Event event, Verdict verdict)
    : auditor_(std::move(auditor)),
      verdict_(verdict),
      event_(std::move(event)),
      lasts_(lasts(event_.info)) {}

void Record::write(Stage stage, Sink::Stored stored) {
  if (verdict_.omits(stage)) {
    if (stored) stored(true);
    return;
  }
  event_.stage = stage;
  auditor_->write(event_, std::move(stored));
}

void Record::write_and_release(Stage stage) {
  if (held_ == nullptr) return write(stage);
  write(stage, [held = held_](bool) { held->release(); });
}

void Record::receive(std::function<void(Result<void>)> done) {
  write(Stage::kRequestReceived,
        [done = std::move(done), &rejected = auditor_->rejected_](bool is_stored) {
          if (is_stored) return done({});
          rejected.add();
          done(errors::internal("Internal error occurred: failed to store audit event"));
        });
}

void Record::annotate(std::string_view key, std::string_view value) {
  event_.annotations.emplace(key, value);
}

void Record::take_request(const api::Value& object) {
  const auto name_by = [&](std::string& to, const char* member) {
    if (to.empty()) to = meta_text(object, member);
  };
  name_by(event_.info.ns, "namespace");
  name_by(event_.info.name, "name");
  name_by(event_.uid, "uid");
  name_by(event_.revision, "resourceVersion");
  take_patch(object);
}

void Record::take_patch(const api::Value& patch) {
  if (event_.level < Level::kRequest || !event_.request_object.empty()) return;
  take_object(event_.request_object, api::to_json_text(patch));
}

void Record::show_status(std::string_view json) {
  api::Arena arena;
  const auto status = api::parse_json(arena, json);
  if (!status) return;
  event_.status = status->string_at("status");
  event_.reason = status->string_at("reason");
  event_.message = status->string_at("message");
  const auto* details = status->find("details");
  event_.details = details == nullptr ? "" : api::to_json_text(*details);
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

void Record::begin_answer() {
  if (std::exchange(has_begun_, true)) return;
  if (lasts_ && last_stage_ == Stage::kResponseComplete) {
    write_and_release(Stage::kResponseStarted);
  } else if (held_ != nullptr && is_streaming_) {
    held_->release();
  }
}

void Record::start(int code) {
  is_streaming_ = true;
  event_.code = code;
  begin_answer();
}

void Record::close(int code) {
  if (is_streaming_ || is_complete_) return;
  if (code != 0) return complete(code);
  is_complete_ = true;
  event_.code = 500;
  show_status(status_json(errors::internal("the request ended without an answer").error()));
  write(Stage::kPanic);
}

void Record::complete(int code, std::string_view response_json) {
  if (std::exchange(is_complete_, true)) return;
  event_.code = code;
  begin_answer();
  if (wants_response()) take_object(event_.response_object, response_json);
  write_and_release(last_stage_);
}

std::unique_ptr<net::Body> audited(std::shared_ptr<Record> record, int code, bool is_object,
                                   std::unique_ptr<net::Body> body) {
  const bool keeps = is_object && record->wants_response();
  return std::make_unique<AuditedBody>(std::move(record), code, keeps, std::move(body));
}

}  // namespace pinnace::apiserver::audit
