// Controller is one control loop: it watches, asks its plan what to change, and changes it.
//
// Threads: belongs to the executor's thread, from construction to destruction.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "client/client.h"
#include "client/event_recorder.h"
#include "client/fibers.h"
#include "client/work_queue.h"

namespace pinnace::controllers {

struct Informers;
struct Settings;

// What every controller is handed. All of it outlives the controllers.
struct Context {
  const client::Client& api;
  Executor& executor;
  Rng& rng;
  Informers& informers;
  const Settings& settings;
  metrics::Registry* metrics = nullptr;  // Null: nobody counts.

  WallTime now() const { return executor.clock().wall(); }
};

class Controller {
 public:
  virtual ~Controller() = default;
  // The informers are complete. Handlers were registered by the constructor.
  virtual void start() = 0;
};

// A work queue that sleeps until its controller starts: what changed before then is found anyway,
// since starting adds every key there is. Several keys are under way at once (see
// client::WorkQueue): what `work` has read before a call may have changed after it.
// Lifetime: the last member of its controller, since its destructor may still run `work`.
// Bounds: as many keys as there are objects; kAtOnce under way.
class Worker {
 public:
  using Work = std::function<Result<void>(const std::string& key)>;
  Worker(Context& context, std::string_view controller, Work work);

  void add(const std::string& key) {
    if (started_) queue_.add(key);
  }
  void add_after(const std::string& key, Duration delay) {
    if (started_) queue_.add_after(key, delay);
  }
  // Adds all keys now, and again after each `resync` (zero: never again).
  void start(std::function<std::vector<std::string>()> keys, Duration resync = Duration::zero());

 private:
  static constexpr std::size_t kAtOnce = 32;
  bool started_ = false;
  client::WorkQueue queue_;
};

// Calls `work` in a fiber every `period`, from `start` until destruction; not while the last call
// still waits for an answer.
// Lifetime: as Worker's.
class Ticker {
 public:
  Ticker(Executor& executor, Duration period, std::function<void()> work);
  ~Ticker();
  void start();

 private:
  void arm();

  Executor& executor_;
  Duration period_;
  std::function<void()> work_;
  Executor::TimerId timer_ = 0;
  client::Fibers fibers_;
};

// The keys of everything in an informer.
template <typename Informer>
std::vector<std::string> keys_of(const Informer& informer) {
  std::vector<std::string> keys;
  keys.reserve(informer.all().size());
  for (const auto& [key, object] : informer.all()) keys.push_back(key);
  return keys;
}

// "ns", "name" of a key.
std::pair<std::string, std::string> split_key(std::string_view key);

}  // namespace pinnace::controllers
