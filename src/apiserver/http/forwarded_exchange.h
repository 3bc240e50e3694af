// ForwardedExchange hands all to another exchange: the base of those that change some of it.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "net/http.h"

namespace pinnace::apiserver {

class ForwardedExchange : public net::Exchange {
 public:
  explicit ForwardedExchange(std::shared_ptr<net::Exchange> inner) : inner_(std::move(inner)) {}

  void respond(int status, net::Headers headers, std::shared_ptr<const std::string> body) override {
    inner_->respond(status, std::move(headers), std::move(body));
  }
  void stream(int status, net::Headers headers, std::unique_ptr<net::Body> body) override {
    inner_->stream(status, std::move(headers), std::move(body));
  }
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

 protected:
  const std::shared_ptr<net::Exchange>& inner() const { return inner_; }

 private:
  const std::shared_ptr<net::Exchange> inner_;
};

}  // namespace pinnace::apiserver
