// The server's side of an Exchange: carries answers from any thread to the connection's loop.
//
// Lifetime: an exchange may outlive its connection and its server; then what it is told is dropped.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "io/loop.h"
#include "net/http.h"

namespace pinnace::net::internal {

// A loop that may be gone. Threads: any.
class LoopHandle {
 public:
  LoopHandle(io::Loop& loop, std::thread::id thread) : home_(loop), loop_(&loop), thread_(thread) {}
  io::Loop& loop() const { return home_; }  // For who knows that it is not gone.
  bool here() const { return std::this_thread::get_id() == thread_; }
  void post(std::function<void()> work) {
    std::lock_guard lock(mutex_);
    if (loop_ != nullptr) loop_->post(std::move(work));
  }
  void close() {
    std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

 private:
  io::Loop& home_;
  std::mutex mutex_;
  io::Loop* loop_;  // Null when it is gone.
  const std::thread::id thread_;
};

// What a connection does for the exchange `id`; on the loop. An id that is over is ignored.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void respond(std::uint32_t id, int status, Headers headers,
                       std::shared_ptr<const std::string> body) = 0;
  virtual void stream(std::uint32_t id, int status, Headers headers,
                      std::unique_ptr<Body> body) = 0;
  virtual void wake(std::uint32_t id) = 0;
  virtual std::unique_ptr<Stream> upgrade(std::uint32_t id, Headers headers) = 0;
  virtual void on_cancel(std::uint32_t id, std::function<void()> cancelled) = 0;
  virtual void unanswered(std::uint32_t id) = 0;  // The handler let go of it without an answer.
};

class ServerExchange final : public Exchange, public std::enable_shared_from_this<ServerExchange> {
 public:
  ServerExchange(std::shared_ptr<LoopHandle> handle, std::weak_ptr<Responder> connection,
                 std::uint32_t id)
      : handle_(std::move(handle)), connection_(std::move(connection)), id_(id) {}
  ~ServerExchange() override;

  void respond(int status, Headers headers, std::shared_ptr<const std::string> body) override;
  void stream(int status, Headers headers, std::unique_ptr<Body> body) override;
  void wake() override;
  std::unique_ptr<Stream> upgrade(Headers headers) override;
  void on_cancel(std::function<void()> cancelled) override;
  io::Loop& loop() override { return handle_->loop(); }
  void post(std::function<void()> work) override { handle_->post(std::move(work)); }
  void resume(std::function<void()> work) override {
    if (handle_->here()) return work();
    handle_->post(std::move(work));
  }

 private:
  bool first_answer() { return !answered_.exchange(true, std::memory_order_acq_rel); }

  const std::shared_ptr<LoopHandle> handle_;
  const std::weak_ptr<Responder> connection_;
  const std::uint32_t id_;
  std::atomic<bool> answered_ = false;
  std::atomic<bool> waking_ = false;
};

}  // namespace pinnace::net::internal
