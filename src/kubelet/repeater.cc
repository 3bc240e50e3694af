#include "kubelet/repeater.h"

#include <mutex>
#include <utility>

namespace pinnace::kubelet {

struct Repeater::State : std::enable_shared_from_this<State> {
  State(Executor& e, ThreadPool& p, std::function<Duration()> w)
      : executor(e), pool(p), work(std::move(w)) {}

  Executor& executor;
  ThreadPool& pool;
  const std::function<Duration()> work;
  std::mutex mutex;
  bool running = false, again = false, stopped = false;
  Executor::TimerId timer = 0;

  void wake() {
    const std::lock_guard lock(mutex);
    if (stopped) return;
    if (std::exchange(running, true)) {
      again = true;
      return;
    }
    if (timer != 0) executor.cancel(std::exchange(timer, 0));
    pool.submit([self = shared_from_this()] { self->run(); });
  }
  void run() {
    {
      const std::lock_guard lock(mutex);
      again = false;
      if (stopped) return;
    }
    const Duration delay = work();
    const std::lock_guard lock(mutex);
    if (stopped) return;
    if (again) {
      pool.submit([self = shared_from_this()] { self->run(); });
      return;
    }
    running = false;
    timer = executor.schedule_after(delay, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->wake();
    });
  }
};

Repeater::Repeater(Executor& executor, ThreadPool& pool, std::function<Duration()> work)
    : state_(std::make_shared<State>(executor, pool, std::move(work))) {}

Repeater::~Repeater() { stop(); }

void Repeater::wake() { state_->wake(); }

void Repeater::stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stopped = true;
  if (state_->timer != 0) state_->executor.cancel(std::exchange(state_->timer, 0));
}

}  // namespace pinnace::kubelet
