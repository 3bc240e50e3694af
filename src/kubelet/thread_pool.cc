#include "kubelet/thread_pool.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace pinnace::kubelet {
namespace {
constexpr std::chrono::seconds kIdleLife{5};
}

struct ThreadPool::Shared {
  std::mutex mutex;
  std::condition_variable wake, left;
  std::deque<std::function<void()>> work;
  int threads = 0, idle = 0, max_threads = 0;
  bool stopping = false;
  const char* name = "";

  void run();
};

void ThreadPool::Shared::run() {
  pthread_setname_np(pthread_self(), name);
  std::unique_lock lock(mutex);
  for (;;) {
    ++idle;
    wake.wait_for(lock, kIdleLife, [this] { return stopping || !work.empty(); });
    --idle;
    if (work.empty()) break;  // Stopping, or idle for long enough.
    auto next = std::move(work.front());
    work.pop_front();
    lock.unlock();
    next();
    next = nullptr;
    lock.lock();
  }
  --threads;
  left.notify_all();
}

ThreadPool::ThreadPool(const char* name, int max_threads) : shared_(std::make_shared<Shared>()) {
  shared_->name = name;
  shared_->max_threads = max_threads;
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  std::unique_lock lock(shared_->mutex);
  shared_->stopping = true;
  shared_->wake.notify_all();
  shared_->left.wait(lock, [this] { return shared_->threads == 0; });
}

bool ThreadPool::run_one() {
  std::function<void()> next;
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->work.empty()) return false;
    next = std::move(shared_->work.front());
    shared_->work.pop_front();
  }
  next();
  return true;
}

void ThreadPool::submit(std::function<void()> work) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->stopping) return;
  shared_->work.push_back(std::move(work));
  if (static_cast<int>(shared_->work.size()) <= shared_->idle ||
      shared_->threads >= shared_->max_threads) {
    shared_->wake.notify_one();
    return;
  }
  ++shared_->threads;
  std::thread([shared = shared_] { shared->run(); }).detach();
}

}  // namespace pinnace::kubelet
