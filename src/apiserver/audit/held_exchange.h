// HeldExchange keeps an answer back until it is released: where an audit log blocks, until it has
// kept what is to be answered.
//
// Threads: as the exchange that it stands for; `release` any.
// Lifetime: shared by the call and whoever will release it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "net/http.h"

namespace pinnace::apiserver::audit {

class HeldExchange final : public net::Exchange {
 public:
  explicit HeldExchange(std::shared_ptr<net::Exchange> inner) : inner_(std::move(inner)) {}

  // The answer may go, that which is there or that which will come.
  void release();

  void respond(int status, net::Headers headers, std::shared_ptr<const std::string> body) override;
  void stream(int status, net::Headers headers, std::unique_ptr<net::Body> body) override;
  // What is upgraded cannot be kept back.
  std::unique_ptr<net::Stream> upgrade(net::Headers headers) override {
    return inner_->upgrade(std::move(headers));
  }
  void wake() override { inner_->wake(); }
  void on_cancel(std::function<void()> cancelled) override {
    inner_->on_cancel(std::move(cancelled));
  }
  io::Loop& loop() override { return inner_->loop(); }
  void post(std::function<void()> work) override { inner_->post(std::move(work)); }
  void resume(std::function<void()> work) override { inner_->resume(std::move(work)); }

 private:
  void answer(std::function<void()> send);

  const std::shared_ptr<net::Exchange> inner_;
  std::mutex mutex_;
  bool is_released_ = false;
  std::function<void()> held_;
};

}  // namespace pinnace::apiserver::audit
