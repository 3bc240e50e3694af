#include "client/remote_transport.h"

#include <utility>

#include "client/bearer_token.h"
#include "client/line_delivery.h"
#include "client/status.h"
#include "io/loop.h"
#include "net/http_client.h"
#include "net/tls.h"

namespace pinnace::client {

namespace {

constexpr Duration kCallTimeout = std::chrono::seconds(60);
constexpr std::size_t kMaxAnswer = 512u << 20;
constexpr std::size_t kMaxRefusal = 64u << 10;

// A call or a watch under way. It lives on the loop's thread, but is made and left anywhere.
class RemoteCall : public std::enable_shared_from_this<RemoteCall> {
 public:
  explicit RemoteCall(io::Loop& loop) : loop_(loop) {}
  virtual ~RemoteCall() = default;

  void start(net::HttpClient& http, net::ClientRequest request) {
    loop_.post([self = shared_from_this(), &http, request = std::move(request)]() mutable {
      if (self->over_) return;
      RemoteCall* raw = self.get();  // The call's closures end with the call.
      self->call_ = http.send(std::move(request),
                              {.on_head = [raw](const auto& head) { raw->status_ = head.status; },
                               .on_data = [raw](std::string_view bytes) { raw->take(bytes); },
                               .on_done = [raw](Result<void> done) { raw->end(std::move(done)); },
                               .on_upgrade = nullptr});
      self->alive_ = self;
    });
  }
  void close() {
    loop_.post([self = shared_from_this()] { self->let_go(); });
  }

 protected:
  virtual void take(std::string_view bytes) = 0;
  virtual void finish(Result<void> done) = 0;
  void pause(bool paused) {
    if (call_) call_->pause_reading(paused);
  }
  void resume_later() {
    loop_.post([self = shared_from_this()] { self->pause(false); });
  }
  int status() const { return status_; }
  void end(Result<void> done) {
    if (over_) return;
    const auto self = shared_from_this();
    finish(std::move(done));
    over_ = true;
    // The call is running this function: it goes in a turn of its own.
    loop_.post([self] { self->let_go(); });
  }

 private:
  void let_go() {
    over_ = true;
    call_.reset();
    const auto last = std::move(alive_);
  }

  io::Loop& loop_;
  std::unique_ptr<net::Call> call_;
  std::shared_ptr<RemoteCall> alive_;  // Itself, while the call runs.
  int status_ = 0;
  bool over_ = false;
};

class RemoteRoundTrip final : public RemoteCall {
 public:
  using Done = std::function<void(Result<Response>)>;
  RemoteRoundTrip(io::Loop& loop, Executor& executor, Done done)
      : RemoteCall(loop), loop_(loop), executor_(executor), done_(std::move(done)) {}
  void limit_time() {
    timer_ = loop_.schedule_after(kCallTimeout, [weak = weak_from_this()] {
      const auto self = std::static_pointer_cast<RemoteRoundTrip>(weak.lock());
      if (!self) return;
      self->timer_ = 0;
      self->end(errors::timeout("the server did not answer in time", 1));
    });
  }

 private:
  void take(std::string_view bytes) override {
    body_.append(bytes);
    if (body_.size() > kMaxAnswer) end(errors::too_large("the server's answer is too large"));
  }
  void finish(Result<void> done) override {
    if (timer_ != 0) loop_.cancel(timer_);
    auto result = std::make_shared<Result<Response>>(Response{});
    if (done) {
      *result = Response{status(), std::make_shared<const std::string>(std::move(body_))};
    } else {
      *result = std::unexpected(std::move(done.error()));
    }
    executor_.post([result, given = std::move(done_)] { given(std::move(*result)); });
  }

  io::Loop& loop_;
  Executor& executor_;
  Done done_;
  std::string body_;
  Executor::TimerId timer_ = 0;
};

class RemoteWatch final : public RemoteCall {
 public:
  using RemoteCall::RemoteCall;
  std::shared_ptr<LineDelivery> deliver_to(Executor& executor, LineDelivery::OnLine on_line,
                                           LineDelivery::OnEnd on_end) {
    delivery_ = std::make_shared<LineDelivery>(
        executor, std::move(on_line), std::move(on_end), [weak = weak_from_this()] {
          if (const auto self = std::static_pointer_cast<RemoteWatch>(weak.lock())) {
            self->resume_later();
          }
        });
    return delivery_;
  }

 private:
  void take(std::string_view bytes) override {
    if (status() >= 400) {
      if (refusal_.size() < kMaxRefusal) refusal_.append(bytes);
    } else if (!delivery_->feed(bytes)) {
      pause(true);
    }
  }
  void finish(Result<void> done) override {
    if (done && status() >= 400) done = std::unexpected(error_from_status(status(), refusal_));
    delivery_->finish(std::move(done));
  }

  std::shared_ptr<LineDelivery> delivery_;
  std::string refusal_;
};

class RemoteWatchStream final : public WatchStream {
 public:
  RemoteWatchStream(std::shared_ptr<RemoteWatch> call, std::shared_ptr<LineDelivery> delivery)
      : call_(std::move(call)), delivery_(std::move(delivery)) {}
  ~RemoteWatchStream() override {
    delivery_->stop();
    call_->close();
  }

 private:
  std::shared_ptr<RemoteWatch> call_;
  std::shared_ptr<LineDelivery> delivery_;
};

class Remote final : public RemoteTransport {
 public:
  Remote(std::unique_ptr<net::BlockingClient> http, std::string base, Options options)
      : base_(std::move(base)),
        user_agent_(options.user_agent),
        http_(std::move(http)),
        token_(std::move(options.token), std::move(options.token_file), http_->loop().clock()) {}

  Result<Response> round_trip(const Request& request) override {
    auto answer = http_->send(make_request(request), kCallTimeout, kMaxAnswer);
    if (!answer) return std::unexpected(std::move(answer.error()));
    return Response{answer->status, std::make_shared<const std::string>(std::move(answer->body))};
  }
  void send(const Request& request, Executor& executor,
            std::function<void(Result<Response>)> done) override {
    auto call = std::make_shared<RemoteRoundTrip>(http_->loop(), executor, std::move(done));
    http_->loop().post([call] { call->limit_time(); });
    call->start(http_->async(), make_request(request));
  }
  std::unique_ptr<WatchStream> watch(const Request& request, Executor& executor,
                                     std::function<void(std::string_view line)> on_line,
                                     std::function<void(Result<void>)> on_end) override {
    auto call = std::make_shared<RemoteWatch>(http_->loop());
    auto delivery = call->deliver_to(executor, std::move(on_line), std::move(on_end));
    call->start(http_->async(), make_request(request));
    return std::make_unique<RemoteWatchStream>(std::move(call), std::move(delivery));
  }

 private:
  net::ClientRequest make_request(const Request& request) {
    net::ClientRequest made;
    made.method = request.method;
    made.target = base_ + request.target;
    made.headers.add("accept", request.accept);
    made.headers.add("user-agent", user_agent_);
    if (!request.content_type.empty()) made.headers.add("content-type", request.content_type);
    if (const std::string token = token_.get(); !token.empty()) {
      made.headers.add("authorization", "Bearer " + token);
    }
    made.body = request.body;
    return made;
  }

  const std::string base_;  // What stands in the server's URL after the host.
  const std::string user_agent_;
  std::unique_ptr<net::BlockingClient> http_;
  BearerToken token_;
};

}  // namespace

Result<std::unique_ptr<RemoteTransport>> RemoteTransport::create(Options options) {
  auto url = net::parse_url(options.server);
  if (!url) return std::unexpected(std::move(url.error()));
  net::ClientOptions http;
  http.endpoint.host = url->host;
  http.endpoint.port = url->port;
  http.max_idle = 16;
  if (url->tls && options.tls) {
    http.endpoint.tls = options.tls;
  } else if (url->tls) {
    auto tls = net::TlsClientContext::create({.ca_pem = options.ca_pem,
                                              .certificate_pem = options.cert_pem,
                                              .private_key_pem = options.key_pem});
    if (!tls) return std::unexpected(std::move(tls.error()));
    http.endpoint.tls = std::move(*tls);
  }
  std::string base = std::move(url->path);
  while (base.ends_with('/')) base.pop_back();
  return std::make_unique<Remote>(net::BlockingClient::create(std::move(http)), std::move(base),
                                  std::move(options));
}

}  // namespace pinnace::client
