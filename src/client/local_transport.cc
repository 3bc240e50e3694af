#include "client/local_transport.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "client/line_delivery.h"
#include "client/status.h"
#include "client/user_agent.h"
#include "io/loop.h"
#include "net/http.h"

namespace pinnace::client {

// What the answers of one transport pass; it closes with the transport.
class AnswerGate {
 public:
  void pass(Executor& executor, std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    if (is_open_) executor.post(std::move(work));
  }
  void close() {
    const std::lock_guard lock(mutex_);
    is_open_ = false;
  }

 private:
  std::mutex mutex_;
  bool is_open_ = true;
};

namespace {

constexpr std::size_t kReadBytes = 64 << 10;

// Appends what is there; kMore never comes back.
net::Body::State read_on(net::Body& body, std::string& text) {
  while (true) {
    const std::size_t size = text.size();
    text.resize(size + kReadBytes);
    const auto read = body.read({text.data() + size, kReadBytes});
    text.resize(size + read.bytes);
    if (read.state != net::Body::State::kMore) return read.state;
  }
}

// The exchange of a round trip: the thread that waits for the answer does what is posted
// meanwhile, and pulls the answer's Body.
class CallExchange final : public net::Exchange {
 public:
  explicit CallExchange(io::Loop& loop) : loop_(loop) {}

  void respond(int status, net::Headers, std::shared_ptr<const std::string> body) override {
    const std::lock_guard lock(mutex_);
    response_ = {status, body ? std::move(body) : std::make_shared<const std::string>()};
    answered_ = true;
    changed_.notify_one();
  }
  void stream(int status, net::Headers, std::unique_ptr<net::Body> body) override {
    const std::lock_guard lock(mutex_);
    response_.status = status;
    body_ = std::move(body);
    answered_ = true;
    changed_.notify_one();
  }
  void wake() override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_one();
  }
  std::unique_ptr<net::Stream> upgrade(net::Headers) override {
    net::Exchange::respond(400, {}, std::string("a local call cannot be upgraded"));
    return nullptr;
  }
  void on_cancel(std::function<void()>) override {}  // The caller waits for the answer.
  io::Loop& loop() override { return loop_; }
  void post(std::function<void()> work) override {
    {
      const std::lock_guard lock(mutex_);
      if (!answered_) {
        posted_.push_back(std::move(work));
        changed_.notify_one();
        return;
      }
    }
    loop_.post(std::move(work));  // Nobody waits any more.
  }

  Result<Response> wait() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return answered_ || !posted_.empty(); });
      if (posted_.empty()) break;
      const auto posted = std::exchange(posted_, {});
      lock.unlock();
      for (const auto& work : posted) work();
      lock.lock();
    }
    if (!body_) return std::move(response_);
    auto body = std::move(body_);
    std::string text;
    while (true) {
      woken_ = false;
      lock.unlock();
      const auto state = read_on(*body, text);
      if (state == net::Body::State::kFailed) {
        return errors::unavailable("the answer broke off");
      }
      if (state == net::Body::State::kEnd) break;
      lock.lock();
      changed_.wait(lock, [this] { return woken_; });
    }
    response_.body = std::make_shared<const std::string>(std::move(text));
    return std::move(response_);
  }

 private:
  io::Loop& loop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> posted_;
  Response response_;
  std::unique_ptr<net::Body> body_;
  bool answered_ = false, woken_ = false;
};

// The exchange of what is sent: the loop pulls its Body, and the answer goes to the executor.
class SendExchange final : public net::Exchange, public std::enable_shared_from_this<SendExchange> {
 public:
  using Done = std::function<void(Result<Response>)>;
  SendExchange(std::shared_ptr<AnswerGate> gate, io::Loop& loop, Executor& executor, Done done)
      : gate_(std::move(gate)), loop_(loop), executor_(executor), done_(std::move(done)) {}
  // A handler that lets go of an exchange without an answer has been shut down.
  ~SendExchange() override {
    if (done_) finish(errors::unavailable("the server gave no answer"));
  }

  void respond(int status, net::Headers, std::shared_ptr<const std::string> body) override {
    finish(Response{status, body ? std::move(body) : std::make_shared<const std::string>()});
  }
  void stream(int status, net::Headers, std::unique_ptr<net::Body> body) override {
    auto shared = std::make_shared<std::unique_ptr<net::Body>>(std::move(body));
    loop_.post([self = shared_from_this(), status, shared] {
      self->status_ = status;
      self->body_ = std::move(*shared);
      self->pull();
    });
  }
  void wake() override {
    loop_.post([self = shared_from_this()] { self->pull(); });
  }
  std::unique_ptr<net::Stream> upgrade(net::Headers) override {
    net::Exchange::respond(400, {}, std::string("a local call cannot be upgraded"));
    return nullptr;
  }
  void on_cancel(std::function<void()>) override {}  // The sender waits for the answer.
  io::Loop& loop() override { return loop_; }
  void post(std::function<void()> work) override { loop_.post(std::move(work)); }

 private:
  void pull() {
    if (!body_) return;
    const auto state = read_on(*body_, text_);
    if (state == net::Body::State::kWaiting) return;
    body_.reset();
    if (state == net::Body::State::kFailed) {
      return finish(errors::unavailable("the answer broke off"));
    }
    finish(Response{status_, std::make_shared<const std::string>(std::move(text_))});
  }
  void finish(Result<Response> result) {
    auto shared = std::make_shared<Result<Response>>(std::move(result));
    gate_->pass(executor_,
                [shared, done = std::exchange(done_, nullptr)] { done(std::move(*shared)); });
  }

  const std::shared_ptr<AnswerGate> gate_;
  io::Loop& loop_;
  Executor& executor_;
  Done done_;
  // The loop thread's.
  std::unique_ptr<net::Body> body_;
  std::string text_;
  int status_ = 0;
};

// The exchange of a watch. Everything but `wake` and answering runs on the loop.
class WatchExchange final : public net::Exchange,
                            public std::enable_shared_from_this<WatchExchange> {
 public:
  explicit WatchExchange(io::Loop& loop) : loop_(loop) {}
  void set_delivery(std::shared_ptr<LineDelivery> delivery) { delivery_ = std::move(delivery); }

  void respond(int status, net::Headers, std::shared_ptr<const std::string> body) override {
    on_loop([this, status, body = std::move(body)] {
      answered_ = true;
      end(std::unexpected(error_from_status(status, body ? *body : std::string())));
    });
  }
  void stream(int status, net::Headers, std::unique_ptr<net::Body> body) override {
    auto shared = std::make_shared<std::unique_ptr<net::Body>>(std::move(body));
    on_loop([this, status, shared] {
      answered_ = true;
      if (closed_) return shared->reset();
      status_ = status;
      body_ = std::move(*shared);
      pull();
    });
  }
  void wake() override {
    if (wake_posted_.exchange(true)) return;
    on_loop([this] {
      wake_posted_ = false;
      pull();
    });
  }
  void read_on_again() {
    on_loop([this] {
      held_back_ = false;
      pull();
    });
  }
  std::unique_ptr<net::Stream> upgrade(net::Headers) override {
    net::Exchange::respond(400, {}, std::string("a local watch cannot be upgraded"));
    return nullptr;
  }
  void on_cancel(std::function<void()> cancelled) override {
    on_loop([this, cancelled = std::move(cancelled)] {
      if (!closed_ && !answered_) cancelled_ = cancelled;
    });
  }
  io::Loop& loop() override { return loop_; }
  void post(std::function<void()> work) override { loop_.post(std::move(work)); }

  bool closed() const { return closed_; }  // Loop thread.
  // The reader went away. Any thread.
  void close() {
    on_loop([this] {
      closed_ = true;
      body_.reset();
      const auto cancelled = std::exchange(cancelled_, nullptr);
      if (!answered_ && cancelled) cancelled();
    });
  }

 private:
  template <typename Work>
  void on_loop(Work work) {
    loop_.post([self = shared_from_this(), work = std::move(work)] { work(); });
  }
  void pull() {
    if (pulling_) return;  // `read` may wake us on this thread.
    pulling_ = true;
    static thread_local std::array<char, kReadBytes> buffer;
    while (body_ && !held_back_) {
      const auto read = body_->read(buffer);
      const std::string_view bytes(buffer.data(), read.bytes);
      if (status_ >= 400) {
        refusal_.append(bytes);
      } else if (!delivery_->feed(bytes)) {
        held_back_ = true;
      }
      if (read.state == net::Body::State::kWaiting) break;
      if (read.state == net::Body::State::kFailed) end(errors::unavailable("the watch broke off"));
      if (read.state == net::Body::State::kEnd) {
        end(status_ >= 400 ? Result<void>(std::unexpected(error_from_status(status_, refusal_)))
                           : Result<void>());
      }
    }
    pulling_ = false;
  }
  void end(Result<void> result) {
    body_.reset();
    cancelled_ = nullptr;
    delivery_->finish(std::move(result));
  }

  io::Loop& loop_;
  std::shared_ptr<LineDelivery> delivery_;
  std::atomic<bool> wake_posted_{false};
  // The loop thread's.
  std::unique_ptr<net::Body> body_;
  std::function<void()> cancelled_;
  std::string refusal_;
  int status_ = 0;
  bool held_back_ = false, pulling_ = false, answered_ = false, closed_ = false;
};

class LocalWatch final : public WatchStream {
 public:
  LocalWatch(std::shared_ptr<WatchExchange> exchange, std::shared_ptr<LineDelivery> delivery)
      : exchange_(std::move(exchange)), delivery_(std::move(delivery)) {}
  ~LocalWatch() override {
    delivery_->stop();
    exchange_->close();
  }

 private:
  std::shared_ptr<WatchExchange> exchange_;
  std::shared_ptr<LineDelivery> delivery_;
};

}  // namespace

LocalTransport::LocalTransport(net::Handler& handler, Identity identity, io::Loop* loop)
    : gate_(std::make_shared<AnswerGate>()),
      handler_(handler),
      identity_(std::move(identity)),
      own_thread_(loop == nullptr ? std::make_unique<io::LoopThread>("local-api") : nullptr),
      loop_(loop == nullptr ? own_thread_->loop() : *loop) {}

LocalTransport::~LocalTransport() { gate_->close(); }

net::Request LocalTransport::make_request(const Request& request) const {
  net::Request made;
  made.method = request.method;
  made.target = request.target;
  const auto question = request.target.find('?');
  made.path = request.target.substr(0, question);
  if (question != std::string::npos) made.query = request.target.substr(question + 1);
  made.headers.add("accept", request.accept);
  made.headers.add("user-agent", user_agent_of(identity_.user));
  if (!request.content_type.empty()) made.headers.add("content-type", request.content_type);
  made.body = request.body;
  made.peer.address = "127.0.0.1";
  made.peer.certificate_common_name = identity_.user;
  made.peer.certificate_organizations = identity_.groups;
  return made;
}

Result<Response> LocalTransport::round_trip(const Request& request) {
  auto exchange = std::make_shared<CallExchange>(loop_);
  handler_.handle(make_request(request), exchange);
  return exchange->wait();
}

void LocalTransport::send(const Request& request, Executor& executor,
                          std::function<void(Result<Response>)> done) {
  auto exchange = std::make_shared<SendExchange>(gate_, loop_, executor, std::move(done));
  loop_.post([&handler = handler_, made = make_request(request),
              exchange = std::move(exchange)]() mutable {
    handler.handle(std::move(made), std::move(exchange));
  });
}

std::unique_ptr<WatchStream> LocalTransport::watch(
    const Request& request, Executor& executor, std::function<void(std::string_view line)> on_line,
    std::function<void(Result<void>)> on_end) {
  auto exchange = std::make_shared<WatchExchange>(loop_);
  auto delivery = std::make_shared<LineDelivery>(executor, std::move(on_line), std::move(on_end),
                                                 [weak = std::weak_ptr(exchange)] {
                                                   if (const auto alive = weak.lock())
                                                     alive->read_on_again();
                                                 });
  exchange->set_delivery(delivery);
  loop_.post([&handler = handler_, made = make_request(request), exchange]() mutable {
    if (!exchange->closed()) handler.handle(std::move(made), exchange);
  });
  return std::make_unique<LocalWatch>(std::move(exchange), std::move(delivery));
}

}  // namespace pinnace::client
