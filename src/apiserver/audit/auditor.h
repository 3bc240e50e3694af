// Auditor writes down what is asked of the API server, as its policy says.
//
// How: a Record goes with each request that the policy wants to know of; the request's stages tell
//   it what they know, and it writes its line when the answer is given. Other requests carry none,
//   and cost one look at the policy.
// What is written: at level Metadata never a body. Bodies beyond kMaxObjectBytes are left out.
// Threads: Auditor any; a Record belongs to whoever has its Call.
// Bounds: see LogFile; lines that are dropped are counted in apiserver_audit_error_total.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "apiserver/audit/event.h"
#include "apiserver/audit/log_file.h"
#include "apiserver/audit/policy.h"
#include "apiserver/configuration.h"
#include "apiserver/http/call.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/rng.h"

namespace pinnace::apiserver::audit {

inline constexpr std::size_t kMaxObjectBytes = 3 << 20;
inline constexpr std::string_view kIdHeader = "audit-id";

class Auditor {
 public:
  // Null when there is no policy or no path: then nothing is written down. 400 for a wrong policy.
  static Result<std::shared_ptr<Auditor>> create(const AuditSettings& settings, const Clock& clock,
                                                 Rng& rng, metrics::Registry& metrics);

  // The caller is known: gives `call` a Record if the policy wants one.
  static void begin(const std::shared_ptr<Auditor>& auditor, Call& call);

 private:
  friend class Record;
  Auditor(Policy policy, std::unique_ptr<LogFile> log, bool is_legacy, const Clock& clock, Rng& rng,
          metrics::Registry& metrics);
  void write(Event& event);

  const Policy policy_;
  const std::unique_ptr<LogFile> log_;
  const bool is_legacy_;
  const Clock& clock_;
  Rng& rng_;
  metrics::Series& events_;
  metrics::Series& errors_;
};

// One request's.
class Record {
 public:
  Record(std::shared_ptr<Auditor> auditor, Event event, Verdict verdict);

  const std::string& id() const { return event_.id; }
  void annotate(std::string_view key, std::string_view value);
  // The caller goes on as somebody else.
  void act_as(const User& user) { event_.impersonated_user = user; }
  // Whether `complete` wants the answer's JSON.
  bool wants_response() const { return event_.level == Level::kRequestResponse; }
  // The object that was made or changed.
  void name_object(const store::Object& object);
  void refuse(const Error& error);
  void start(int code);  // The head of a stream is sent.
  void complete(int code, std::string_view response_json = {});
  // The call is over; unless a stream of it goes on, that completes it.
  void close(int code);

 private:
  void write(Stage stage);
  void take_object(std::string& to, std::string_view json) const;

  friend class Auditor;
  const std::shared_ptr<Auditor> auditor_;
  const Verdict verdict_;
  Event event_;
  bool is_streaming_ = false, is_complete_ = false;
};

// Tells `record` when the stream ends. `is_object`: it is the JSON of one object or list.
std::unique_ptr<net::Body> audited(std::shared_ptr<Record> record, int code, bool is_object,
                                   std::unique_ptr<net::Body> body);

}  // namespace pinnace::apiserver::audit
