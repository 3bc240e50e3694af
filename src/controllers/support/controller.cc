#include "controllers/support/controller.h"

namespace pinnace::controllers {

Worker::Worker(Context& context, std::string_view controller, Work work)
    : queue_(context.executor, std::move(work),
             {.name = std::string(controller), .at_once = kAtOnce, .metrics = context.metrics}) {}

void Worker::start(std::function<std::vector<std::string>()> keys, Duration resync) {
  started_ = true;
  for (const auto& key : keys()) queue_.add(key);
  if (resync > Duration::zero()) queue_.resync_every(resync, std::move(keys));
}

Ticker::Ticker(Executor& executor, Duration period, std::function<void()> work)
    : executor_(executor), period_(period), work_(std::move(work)), fibers_(executor) {}

Ticker::~Ticker() { executor_.cancel(timer_); }

void Ticker::start() { arm(); }

void Ticker::arm() {
  timer_ = executor_.schedule_after(period_, [this] {
    arm();
    if (fibers_.size() == 0) fibers_.run(work_);
  });
}

std::pair<std::string, std::string> split_key(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return {"", std::string(key)};
  return {std::string(key.substr(0, slash)), std::string(key.substr(slash + 1))};
}

}  // namespace pinnace::controllers
