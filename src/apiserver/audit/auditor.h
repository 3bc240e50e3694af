// Auditor writes down what is asked of the API server, as its policy says.
//
// How: a Record goes with each request that the policy wants to know of; the request's stages tell
//   it what they know, and it writes its line when the answer is given. Other requests carry none,
//   and cost one look at the policy.
// What is written: at level Metadata never a body. Bodies beyond kMaxObjectBytes are left out.
// Stages: a request that ends with no answer, as one does whose client went away in the middle of a
//   proxied call, ends in stage Panic.
// Blocking: where a sink blocks, a request goes on when its coming was written down, and its answer
//   goes out when that was; no thread waits.
// Threads: Auditor any; a Record belongs to whoever has its Call.
// Bounds: see LogFile and WebhookSink; events that are dropped are counted in
//   apiserver_audit_error_total.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/audit/event.h"
#include "apiserver/audit/held_exchange.h"
#include "apiserver/audit/policy.h"
#include "apiserver/audit/sink.h"
#include "apiserver/configuration.h"
#include "apiserver/http/call.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/rng.h"

namespace pinnace::apiserver {
struct Options;
}

namespace pinnace::apiserver::audit {

inline constexpr std::size_t kMaxObjectBytes = 3 << 20;
inline constexpr std::string_view kIdHeader = "audit-id";
// The client's own id, if it is one that may stand in a log; else a new one.
std::string id_of(const net::Request& request, Rng& rng);

class Auditor {
 public:
  // Null when there is no policy, or neither path nor webhook: then nothing is written down. 400
  // for a wrong policy or kubeconfig.
  static Result<std::shared_ptr<Auditor>> create(const Options& options);

  // The request has come: where the log blocks, its answer will be kept back until it is released.
  void hold(Call& call) const;
  // The caller is known: gives `call` a Record if the policy wants one.
  static void begin(const std::shared_ptr<Auditor>& auditor, Call& call);
  // Nobody knows the caller, and he is told so: his Record writes down the answer alone, as begun.
  static void begin_refusal(const std::shared_ptr<Auditor>& auditor, Call& call);
  // Returns when what was written down so far was kept, but after this time at the latest.
  void drain(Duration at_most);

 private:
  friend class Record;
  // Null where the policy wants none.
  static std::shared_ptr<Record> make_record(const std::shared_ptr<Auditor>& auditor,
                                             const Call& call);
  struct Keeper {
    std::unique_ptr<Sink> sink;
    AuditMode mode;
  };
  Auditor(Policy policy, const Options& options);
  Result<void> add_log(const Options& options);
  Result<void> add_webhook(const Options& options);
  // `stored` hears, once, whether all sinks that are strict have kept it, when all that block have
  // said.
  void write(Event& event, Sink::Stored stored);

  const Policy policy_;
  std::vector<Keeper> keepers_;
  std::size_t blocking_ = 0;  // How many of them block.
  const Clock& clock_;
  metrics::Series &events_, &rejected_;
  std::array<metrics::Series*, 4> levels_;  // Requests, by Level.
  metrics::Family<metrics::Series>& errors_;
};

// One request's.
class Record {
 public:
  Record(std::shared_ptr<Auditor> auditor, Event event, Verdict verdict);

  const std::string& id() const { return event_.id; }
  Level level() const { return event_.level; }
  // Where the log blocks: `done` is called when it is written down that the request came, with a
  // 500 when it could not be and must be.
  void receive(std::function<void(Result<void>)> done);
  bool blocks() const { return held_ != nullptr; }
  // What was said first stays.
  void annotate(std::string_view key, std::string_view value);
  // The caller goes on as somebody else.
  void act_as(const User& user) { event_.impersonated_user = user; }
  // Whether `complete` wants the answer's JSON.
  bool wants_response() const { return event_.level == Level::kRequestResponse; }
  // What the request is about, as its handler has read it: with kind and version, and defaults.
  // Names what the path does not name.
  void take_request(const api::Value& object);
  // A patch, as it came.
  void take_patch(const api::Value& patch);
  // The answer is this Status.
  void show_status(std::string_view json);
  void start(int code);  // The head of a stream is sent.
  void complete(int code, std::string_view response_json = {});
  // The call is over; unless a stream of it goes on, that completes it.
  void close(int code);

 private:
  void write(Stage stage, Sink::Stored stored = nullptr);
  void begin_answer();
  // Lets the answer go when this stage was written down.
  void write_and_release(Stage stage);
  void take_object(std::string& to, std::string_view json) const;

  friend class Auditor;
  const std::shared_ptr<Auditor> auditor_;
  const Verdict verdict_;
  Event event_;
  std::shared_ptr<HeldExchange> held_;  // Null where nobody waits.
  Stage last_stage_ = Stage::kResponseComplete;
  const bool lasts_;  // Then it is written down, too, that the answer has begun.
  bool has_begun_ = false, is_streaming_ = false, is_complete_ = false;
};

// Annotates the record of the call, where there is one of at least this level.
void annotate(const Call& call, std::string_view key, std::string_view value,
              Level least = Level::kMetadata);

// Tells the record of the call, where there is one, what it is about.
void take_request(const Call& call, const api::Value& object);
// The same of options of a deletion, which are no object of the API.
void take_options(const Call& call, api::Arena& arena, api::Value options);
void take_patch(const Call& call, const api::Value& patch);

// Tells `record` when the stream ends. `is_object`: it is the JSON of one object or list.
std::unique_ptr<net::Body> audited(std::shared_ptr<Record> record, int code, bool is_object,
                                   std::unique_ptr<net::Body> body);

}  // namespace pinnace::apiserver::audit
