#include "client/event_recorder.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "api/json.h"
#include "base/log.h"
#include "client/status.h"

namespace pinnace::client {

namespace {

using api::core_v1::Event;
using api::core_v1::ObjectReference;

constexpr std::size_t kMaxWaiting = 1000;
constexpr std::size_t kMaxKnown = 4096;
constexpr double kBurst = 25;
constexpr Duration kRefill = std::chrono::seconds(300);
constexpr std::size_t kMaxMessage = 1024;

std::string key_of(const ObjectReference& about) {
  return about.kind + '/' + about.namespace_ + '/' + about.name + '/' + about.uid + '/' +
         about.api_version;
}

// A map that forgets something when it is full: what is least needed is not worth finding out.
template <typename T>
T& slot(std::map<std::string, T>& map, const std::string& key) {
  if (map.size() >= kMaxKnown && !map.contains(key)) map.erase(map.begin());
  return map[key];
}

}  // namespace

struct EventRecorder::State : std::enable_shared_from_this<State> {
  State(Transport& t, Executor& e, Rng& r, std::string c, std::string h)
      : transport(t), executor(e), rng(r), component(std::move(c)), host(std::move(h)) {}

  struct Tokens {
    double left = kBurst;
    MonotonicTime at;
  };
  struct Known {  // An event that the server has.
    std::string name;
    std::int32_t count = 0;
  };
  struct Waiting {
    std::string key;
    Event event;
  };

  bool may_speak(const ObjectReference& about) {  // Needs the mutex.
    const MonotonicTime now = executor.clock().monotonic();
    const bool fresh = !tokens.contains(key_of(about));
    Tokens& bucket = slot(tokens, key_of(about));
    if (!fresh) {
      const double refill = std::chrono::duration<double>(now - bucket.at).count() /
                            std::chrono::duration<double>(kRefill).count();
      bucket.left = std::min(kBurst, bucket.left + refill);
    }
    bucket.at = now;
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }
  void record(const ObjectReference& about, std::string_view type, std::string_view reason,
              std::string_view message);
  void send_next();  // On the executor.
  void sent(const Waiting& waiting, bool counted, const Result<Response>& response);
  Request create_request(const Event& event) const;
  Request count_request(const Event& event, const Known& known) const;

  Transport& transport;
  Executor& executor;
  Rng& rng;
  const std::string component, host;
  std::mutex mutex;
  std::deque<Waiting> waiting;
  std::map<std::string, Tokens> tokens;
  bool sending = false;
  // The executor's.
  std::map<std::string, Known> known;
};

void EventRecorder::State::record(const ObjectReference& about, std::string_view type,
                                  std::string_view reason, std::string_view message) {
  Event event;
  event.involved_object = about;
  event.metadata.namespace_ = about.namespace_.empty() ? "default" : about.namespace_;
  event.type = type;
  event.reason = reason;
  event.message = message.substr(0, kMaxMessage);
  event.source.component = component;
  event.source.host = host;
  event.reporting_component = component;
  event.reporting_instance = host;
  event.first_timestamp = executor.clock().wall();
  event.last_timestamp = event.first_timestamp;
  event.count = 1;
  std::string key = key_of(about) + '/' + about.field_path + '/' + event.type + '/' + event.reason +
                    '/' + event.message;
  const std::lock_guard lock(mutex);
  if (waiting.size() >= kMaxWaiting || !may_speak(about)) return;
  waiting.push_back({std::move(key), std::move(event)});
  if (std::exchange(sending, true)) return;
  executor.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->send_next();
  });
}

Request EventRecorder::State::create_request(const Event& event) const {
  Request request;
  request.method = "POST";
  request.target = Client::path(Event::kResource, event.metadata.namespace_, "");
  request.content_type = "application/json";
  request.body = api::to_json(event);
  return request;
}

Request EventRecorder::State::count_request(const Event& event, const Known& seen) const {
  Request request;
  request.method = "PATCH";
  request.target = Client::path(Event::kResource, event.metadata.namespace_, seen.name);
  request.content_type = "application/merge-patch+json";
  request.body = R"({"count":)" + std::to_string(seen.count + 1) + R"(,"lastTimestamp":")" +
                 rfc3339(event.last_timestamp.value) + "\"}";
  return request;
}

void EventRecorder::State::send_next() {
  Waiting next;
  {
    const std::lock_guard lock(mutex);
    if (waiting.empty()) {
      sending = false;
      return;
    }
    next = std::move(waiting.front());
    waiting.pop_front();
  }
  const auto seen = known.find(next.key);
  const bool counted = seen != known.end();
  if (!counted) {
    char suffix[20];
    std::snprintf(suffix, sizeof suffix, ".%016llx", static_cast<unsigned long long>(rng.next()));
    next.event.metadata.name = next.event.involved_object.name + suffix;
  }
  const Request request =
      counted ? count_request(next.event, seen->second) : create_request(next.event);
  transport.send(request, executor,
                 [weak = weak_from_this(), next, counted](const Result<Response>& response) {
                   if (const auto self = weak.lock()) self->sent(next, counted, response);
                 });
}

void EventRecorder::State::sent(const Waiting& done, bool counted,
                                const Result<Response>& response) {
  if (response && response->status < 300) {
    Known& seen = slot(known, done.key);
    if (!counted) seen.name = done.event.metadata.name;
    ++seen.count;
  } else if (counted && response && response->status == 404) {  // Expired: begin another one.
    known.erase(done.key);
    const std::lock_guard lock(mutex);
    waiting.push_front(done);
  } else {
    const Error error =
        response ? error_from_status(response->status, *response->body) : response.error();
    log::debug("an event was not sent", {{"reason", done.event.reason}, {"error", error.message}});
  }
  send_next();
}

EventRecorder::EventRecorder(const Client& client, Executor& executor, Rng& rng,
                             std::string component, std::string host)
    : state_(std::make_shared<State>(client.transport(), executor, rng, std::move(component),
                                     std::move(host))) {}
EventRecorder::~EventRecorder() = default;

void EventRecorder::record(const ObjectReference& about, std::string_view type,
                           std::string_view reason, std::string_view message) {
  state_->record(about, type, reason, message);
}

}  // namespace pinnace::client
