#include "apiserver/audit/held_exchange.h"

#include <utility>

namespace pinnace::apiserver::audit {

void HeldExchange::release() {
  std::function<void()> send;
  {
    const std::lock_guard lock(mutex_);
    is_released_ = true;
    send = std::exchange(held_, nullptr);
  }
  if (send) inner()->post(std::move(send));
}

void HeldExchange::answer(std::function<void()> send) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_released_) {
      held_ = std::move(send);
      return;
    }
  }
  send();
}

void HeldExchange::respond(int status, net::Headers headers,
                           std::shared_ptr<const std::string> body) {
  answer([inner = inner(), status, headers = std::move(headers), body = std::move(body)]() mutable {
    inner->respond(status, std::move(headers), std::move(body));
  });
}

void HeldExchange::stream(int status, net::Headers headers, std::unique_ptr<net::Body> body) {
  // A std::function must be copyable.
  const auto kept = std::make_shared<std::unique_ptr<net::Body>>(std::move(body));
  answer([inner = inner(), status, headers = std::move(headers), kept]() mutable {
    inner->stream(status, std::move(headers), std::move(*kept));
  });
}

}  // namespace pinnace::apiserver::audit
