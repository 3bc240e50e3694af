#include "apiserver/audit/webhook_sink.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "base/log.h"

namespace pinnace::apiserver::audit {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(30);
constexpr std::uint64_t kJitterPercent = 20;

std::string list_of(const std::vector<std::string>& events) {
  std::string out = R"({"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[)";
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i != 0) out += ',';
    out += events[i];
  }
  return out += "]}";
}

}  // namespace

struct WebhookSink::State : std::enable_shared_from_this<State> {
  explicit State(Options from)
      : options(std::move(from)),
        tokens(static_cast<double>(options.batch.burst)),
        filled_at(now()) {}

  MonotonicTime now() const { return options.executor.clock().monotonic(); }

  void enqueue(std::string text) {
    {
      const std::lock_guard lock(mutex);
      if (waiting.size() >= options.batch.buffer_events ||
          waiting_bytes + text.size() > kMaxWaitingBytes) {
        return options.dropped.add();
      }
      waiting_bytes += text.size();
      waiting.push_back({std::move(text), now()});
    }
    pump(false);
  }

  // Sends the lists whose time has come, or all.
  void pump(bool all) {
    while (true) {
      std::vector<std::string> events;
      {
        const std::lock_guard lock(mutex);
        const Duration wait = all ? Duration{} : time_to_wait();
        if (waiting.empty() || (!all && under_way >= kMaxUnderWay)) return;
        if (wait > Duration{}) return wake_after(wait);
        tokens -= 1;
        ++under_way;
        events = take();
      }
      send(events, [self = shared_from_this()](bool) { self->ended(); });
    }
  }

  // Until the next list may go. Under the lock.
  Duration time_to_wait() {
    const auto& batch = options.batch;
    if (waiting.empty()) return {};
    const MonotonicTime time = now();
    const Duration age = time - waiting.front().since;
    if (waiting.size() < batch.max_events && age < batch.max_wait) return batch.max_wait - age;
    if (!batch.throttles || batch.batches_per_second <= 0) return {};
    const double passed = std::chrono::duration<double>(time - filled_at).count();
    filled_at = time;
    tokens = std::min(static_cast<double>(std::max<std::size_t>(batch.burst, 1)),
                      tokens + passed * batch.batches_per_second);
    if (tokens >= 1) return {};
    return std::chrono::ceil<Duration>(
        std::chrono::duration<double>((1 - tokens) / batch.batches_per_second));
  }

  void wake_after(Duration wait) {
    if (is_timer_set) return;
    is_timer_set = true;
    options.executor.schedule_after(wait, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      {
        const std::lock_guard lock(self->mutex);
        self->is_timer_set = false;
      }
      self->pump(false);
    });
  }

  // The oldest ones, as many as one list may have.
  std::vector<std::string> take() {
    std::vector<std::string> events;
    std::size_t bytes = 0;
    while (!waiting.empty() && events.size() < std::max<std::size_t>(options.batch.max_events, 1)) {
      const std::size_t size = waiting.front().text.size();
      if (options.limits.is_on && !events.empty() &&
          bytes + size > options.limits.max_batch_bytes) {
        break;
      }
      bytes += size;
      events.push_back(std::move(waiting.front().text));
      waiting.pop_front();
    }
    waiting_bytes -= bytes;
    return events;
  }

  void send(const std::vector<std::string>& events, Stored stored) {
    WebhookRequest request;
    request.body = list_of(events);
    request.timeout = kTimeout;
    request.attempts = kAttempts;
    request.pause =
        options.initial_backoff * (100 + static_cast<int>(options.rng.below(kJitterPercent))) / 100;
    request.insists = true;
    options.client.send(options.target, std::move(request),
                        [self = shared_from_this(), count = events.size(),
                         stored = std::move(stored)](const Result<WebhookAnswer>& answer) {
                          const bool is_stored =
                              answer && answer->status >= 200 && answer->status < 300;
                          if (!is_stored) self->lost(count, answer);
                          stored(is_stored);
                        });
  }

  void lost(std::size_t count, const Result<WebhookAnswer>& answer) const {
    options.dropped.add(static_cast<double>(count));
    log::warning("audit events are lost: the webhook does not take them",
                 {{"events", count},
                  {"error", answer ? "it answered " + std::to_string(answer->status)
                                   : answer.error().message}});
  }

  void ended() {
    {
      const std::lock_guard lock(mutex);
      --under_way;
    }
    idle.notify_all();
    pump(false);
  }

  const Options options;
  std::mutex mutex;
  std::condition_variable idle;
  struct Waiting {
    std::string text;
    MonotonicTime since;
  };
  std::deque<Waiting> waiting;
  std::size_t waiting_bytes = 0, under_way = 0;
  double tokens;
  MonotonicTime filled_at;
  bool is_timer_set = false;
};

WebhookSink::WebhookSink(Options options) : state_(std::make_shared<State>(std::move(options))) {}
WebhookSink::~WebhookSink() = default;

void WebhookSink::add(const Event& event, Stored stored) {
  auto text = limited_text(event, state_->options.limits, json_item);
  if (!text) {
    state_->options.dropped.add();
    if (stored) stored(false);
    return;
  }
  if (!stored) return state_->enqueue(std::move(*text));
  state_->send({std::move(*text)}, std::move(stored));
}

void WebhookSink::drain(Duration at_most) {
  state_->pump(true);
  std::unique_lock lock(state_->mutex);
  state_->idle.wait_for(lock, at_most, [this] { return state_->under_way == 0; });
}

}  // namespace pinnace::apiserver::audit
