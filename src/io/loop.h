// Loop is the real Executor: one thread that waits on epoll and runs what is ready.
//
// Why our own and not Asio: see docs/decisions/0001-event-loop.md.
// Threads: `run` on one thread, which owns the loop. `post`, `schedule_after`, `cancel` and `stop`
//   from any thread; the fd functions only on the loop's thread or before `run`.
// Bounds: as many descriptors as the process may have.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/error.h"

namespace pinnace::io {

class Loop : public Executor {
 public:
  static Result<std::unique_ptr<Loop>> create();
  ~Loop() override;

  // Runs until `stop`. Work that is still posted then is run once more before it returns.
  virtual void run() = 0;
  virtual void stop() = 0;
  virtual bool on_loop_thread() const = 0;

  // Calls `ready(events)` with EPOLL* bits whenever the descriptor is ready (level-triggered).
  // The loop does not own the descriptor: remove it before closing it.
  virtual void add_fd(int fd, std::uint32_t events, std::function<void(std::uint32_t)> ready) = 0;
  virtual void modify_fd(int fd, std::uint32_t events) = 0;
  // After this returns the callback will not run again, and its closure is released once it has
  // returned if it is running now.
  virtual void remove_fd(int fd) = 0;
};

// A thread that runs a loop; stops and joins in its destructor.
class LoopThread {
 public:
  explicit LoopThread(const char* name);  // The thread's name, at most 15 characters.
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  Loop& loop() { return *loop_; }
  // Runs work on the loop and returns when it is done. Not from the loop's own thread.
  void run_and_wait(const std::function<void()>& work);

 private:
  std::unique_ptr<Loop> loop_;
  struct Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace pinnace::io
