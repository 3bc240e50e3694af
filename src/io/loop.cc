#include "io/loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "io/fd.h"
#include "io/wake_batch.h"

namespace pinnace::io {
namespace {

struct Watch {
  int fd = -1;
  std::function<void(std::uint32_t)> ready;
  bool running = false;
  bool removed = false;
};

// Posts that come of posts are run this often before descriptors get their turn.
constexpr int kPostedRounds = 2;

// An eventfd; it outlives its loop while a WakeBatch is to wake it.
using WakeFd = std::shared_ptr<const UniqueFd>;

struct Batch {
  int depth = 0;
  std::vector<WakeFd> to_wake;
};
thread_local Batch batch_of_thread;

void wake(const WakeFd& fd) {
  const std::uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(fd->get(), &one, sizeof one);
}

class EpollLoop final : public Loop {
 public:
  EpollLoop(UniqueFd epoll, UniqueFd wake)
      : epoll_(std::move(epoll)), wake_(std::make_shared<const UniqueFd>(std::move(wake))) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;  // Each write is an event: the counter need not be read.
    event.data.ptr = nullptr;          // Ours; every other descriptor has its Watch there.
    PINNACE_ASSERT(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_->get(), &event) == 0);
  }

  void run() override {
    thread_.store(std::this_thread::get_id());
    while (!stopped_.load(std::memory_order_acquire)) {
      wait_for_descriptors();
      run_timers();
      run_posted();
    }
    run_posted();
    thread_.store(std::thread::id{});
  }

  void stop() override {
    stopped_.store(true, std::memory_order_release);
    wake(wake_);
  }

  bool on_loop_thread() const override { return thread_.load() == std::this_thread::get_id(); }

  void post(std::function<void()> work) override {
    bool asleep = false;
    {
      std::lock_guard lock(mutex_);
      posted_.push_back(std::move(work));
      asleep = std::exchange(asleep_, false);
    }
    if (!asleep) return;
    if (batch_of_thread.depth == 0) return wake(wake_);
    batch_of_thread.to_wake.push_back(wake_);
  }

  TimerId schedule_after(Duration delay, std::function<void()> work) override {
    MonotonicTime due = clock().monotonic() + std::max(delay, Duration::zero());
    bool must_wake = false;
    TimerId id = 0;
    {
      std::lock_guard lock(mutex_);
      id = ++last_timer_;
      auto place = timers_.emplace(std::pair(due, id), std::move(work)).first;
      due_.emplace(id, due);
      must_wake = place == timers_.begin() && std::exchange(asleep_, false);
    }
    if (must_wake) wake(wake_);
    return id;
  }

  void cancel(TimerId id) override {
    std::function<void()> dropped;  // Its destructor may call us: not under the lock.
    std::lock_guard lock(mutex_);
    auto found = due_.find(id);
    if (found == due_.end()) return;
    auto timer = timers_.find(std::pair(found->second, id));
    dropped.swap(timer->second);
    timers_.erase(timer);
    due_.erase(found);
  }

  const Clock& clock() const override { return real_clock(); }

  void add_fd(int fd, std::uint32_t events, std::function<void(std::uint32_t)> ready) override {
    auto watch = std::make_unique<Watch>();
    watch->fd = fd;
    watch->ready = std::move(ready);
    epoll_event event{};
    event.events = events;
    event.data.ptr = watch.get();
    PINNACE_ASSERT(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
    watches_[fd] = std::move(watch);
  }

  void modify_fd(int fd, std::uint32_t events) override {
    auto found = watches_.find(fd);
    PINNACE_ASSERT(found != watches_.end());
    epoll_event event{};
    event.events = events;
    event.data.ptr = found->second.get();
    PINNACE_ASSERT(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
  }

  void remove_fd(int fd) override {
    auto found = watches_.find(fd);
    if (found == watches_.end()) return;
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    std::unique_ptr<Watch> watch = std::move(found->second);
    watches_.erase(found);
    watch->removed = true;
    std::function<void(std::uint32_t)> dropped;
    if (!watch->running) dropped.swap(watch->ready);
    // Events of this round may still point to it.
    if (in_round_) graveyard_.push_back(std::move(watch));
  }

 private:
  // How long to wait for descriptors. From here on a post must wake the loop, if it waits at all.
  int begin_wait_milliseconds() {
    std::lock_guard lock(mutex_);
    asleep_ = false;
    if (!posted_.empty() || stopped_.load(std::memory_order_acquire)) return 0;
    asleep_ = true;
    if (timers_.empty()) return -1;
    Duration left = timers_.begin()->first.first - clock().monotonic();
    asleep_ = left > Duration::zero();
    if (!asleep_) return 0;
    auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::min<std::int64_t>(ms, 60'000));
  }

  void wait_for_descriptors() {
    epoll_event events[256];
    int count = epoll_wait(epoll_.get(), events, 256, begin_wait_milliseconds());
    if (count < 0) {
      PINNACE_ASSERT(errno == EINTR);
      return;
    }
    in_round_ = true;
    for (int i = 0; i < count; ++i) {
      auto* watch = static_cast<Watch*>(events[i].data.ptr);
      if (watch == nullptr || watch->removed) continue;
      watch->running = true;
      watch->ready(events[i].events);
      watch->running = false;
      if (watch->removed) watch->ready = nullptr;
    }
    in_round_ = false;
    graveyard_.clear();
  }

  void run_timers() {
    MonotonicTime now = clock().monotonic();
    while (true) {
      std::function<void()> work;
      {
        std::lock_guard lock(mutex_);
        if (timers_.empty() || timers_.begin()->first.first > now) return;
        auto first = timers_.begin();
        work = std::move(first->second);
        due_.erase(first->first.second);
        timers_.erase(first);
      }
      work();
    }
  }

  // What the first round posts, as the sending of all its answers, does not wait for descriptors.
  void run_posted() {
    for (int round = 0; round < kPostedRounds; ++round) {
      std::vector<std::function<void()>> batch;
      {
        std::lock_guard lock(mutex_);
        asleep_ = false;
        batch.swap(posted_);
      }
      if (batch.empty()) return;
      for (auto& work : batch) {
        work();
        work = nullptr;  // What it holds ends with it, not with the whole batch.
      }
    }
  }

  UniqueFd epoll_;
  const WakeFd wake_;
  std::atomic<bool> stopped_ = false;
  std::atomic<std::thread::id> thread_;
  std::mutex mutex_;  // Guards what follows, to `last_timer_`.
  std::vector<std::function<void()>> posted_;
  bool asleep_ = false;  // In epoll_wait, or on the way to it: a post must wake it.
  std::map<std::pair<MonotonicTime, TimerId>, std::function<void()>> timers_;
  std::unordered_map<TimerId, MonotonicTime> due_;
  TimerId last_timer_ = 0;
  std::unordered_map<int, std::unique_ptr<Watch>> watches_;
  std::vector<std::unique_ptr<Watch>> graveyard_;
  bool in_round_ = false;
};

}  // namespace

Loop::~Loop() = default;

WakeBatch::WakeBatch() { ++batch_of_thread.depth; }

WakeBatch::~WakeBatch() {
  if (--batch_of_thread.depth > 0) return;
  for (const WakeFd& each : batch_of_thread.to_wake) wake(each);
  batch_of_thread.to_wake.clear();
}

Result<std::unique_ptr<Loop>> Loop::create() {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return errors::system("epoll_create1", errno);
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return errors::system("eventfd", errno);
  return std::make_unique<EpollLoop>(std::move(epoll), std::move(wake));
}

struct LoopThread::Thread {
  std::thread thread;
};

LoopThread::LoopThread(const char* name) : thread_(std::make_unique<Thread>()) {
  auto loop = Loop::create();
  PINNACE_ASSERT(loop.has_value());  // Only a process without descriptors fails here.
  loop_ = std::move(*loop);
  thread_->thread = std::thread([this] { loop_->run(); });
  pthread_setname_np(thread_->thread.native_handle(), std::string(name).substr(0, 15).c_str());
}

LoopThread::~LoopThread() {
  loop_->stop();
  thread_->thread.join();
}

void LoopThread::run_and_wait(const std::function<void()>& work) {
  std::atomic<bool> done = false;
  loop_->post([&] {
    work();
    done = true;
    done.notify_one();
  });
  done.wait(false);
}

}  // namespace pinnace::io
