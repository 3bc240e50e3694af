// HeldExchange keeps an answer back until it is released: where an audit log blocks, until it has
// kept what is to be answered.
//
// Threads: as the exchange that it stands for; `release` any.
// Lifetime: shared by the call and whoever will release it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "apiserver/http/forwarded_exchange.h"

namespace pinnace::apiserver::audit {

// What is upgraded cannot be kept back.
class HeldExchange final : public ForwardedExchange {
 public:
  using ForwardedExchange::ForwardedExchange;

  // The answer may go, that which is there or that which will come.
  void release();

  void respond(int status, net::Headers headers, std::shared_ptr<const std::string> body) override;
  void stream(int status, net::Headers headers, std::unique_ptr<net::Body> body) override;

 private:
  void answer(std::function<void()> send);

  std::mutex mutex_;
  bool is_released_ = false;
  std::function<void()> held_;
};

}  // namespace pinnace::apiserver::audit
