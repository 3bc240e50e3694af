#include "net/internal/exchange.h"

namespace pinnace::net::internal {

ServerExchange::~ServerExchange() {
  if (answered_.load(std::memory_order_acquire)) return;
  // Posted even from the loop: the handler may be anywhere.
  handle_->post([connection = connection_, id = id_] {
    if (auto alive = connection.lock()) alive->unanswered(id);
  });
}

void ServerExchange::respond(int status, Headers headers, std::shared_ptr<const std::string> body) {
  if (!first_answer()) return;
  if (handle_->here()) {
    if (auto alive = connection_.lock())
      alive->respond(id_, status, std::move(headers), std::move(body));
    return;
  }
  handle_->post([self = shared_from_this(), status, headers = std::move(headers),
                 body = std::move(body)]() mutable {
    if (auto alive = self->connection_.lock())
      alive->respond(self->id_, status, std::move(headers), std::move(body));
  });
}

void ServerExchange::stream(int status, Headers headers, std::unique_ptr<Body> body) {
  if (!first_answer()) return;
  if (handle_->here()) {
    if (auto alive = connection_.lock())
      alive->stream(id_, status, std::move(headers), std::move(body));
    return;
  }
  // std::function wants what it holds to be copyable.
  auto shared = std::make_shared<std::unique_ptr<Body>>(std::move(body));
  handle_->post(
      [self = shared_from_this(), status, headers = std::move(headers), shared]() mutable {
        if (auto alive = self->connection_.lock())
          alive->stream(self->id_, status, std::move(headers), std::move(*shared));
      });
}

void ServerExchange::wake() {
  // One post serves all wakes until it runs; the Body is asked after the flag is down again.
  if (waking_.exchange(true, std::memory_order_acq_rel)) return;
  handle_->post([self = shared_from_this()] {
    self->waking_.store(false, std::memory_order_release);
    if (auto alive = self->connection_.lock()) alive->wake(self->id_);
  });
}

std::unique_ptr<Stream> ServerExchange::upgrade(Headers headers) {
  if (!first_answer()) return nullptr;
  auto alive = connection_.lock();
  return alive ? alive->upgrade(id_, std::move(headers)) : nullptr;
}

void ServerExchange::on_cancel(std::function<void()> cancelled) {
  if (handle_->here()) {
    if (auto alive = connection_.lock()) alive->on_cancel(id_, std::move(cancelled));
    return;
  }
  handle_->post([connection = connection_, id = id_, cancelled = std::move(cancelled)]() mutable {
    if (auto alive = connection.lock()) alive->on_cancel(id, std::move(cancelled));
  });
}

}  // namespace pinnace::net::internal
