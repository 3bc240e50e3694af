#include "net/http_client.h"

#include <algorithm>
#include <list>

#include "io/loop.h"
#include "net/internal/channel.h"
#include "net/internal/connector.h"
#include "net/internal/http1_parser.h"

namespace pinnace::net {
namespace {

using namespace internal;  // NOLINT: channel, connector and parser are there.

constexpr std::size_t kMaxHeadBytes = 64 << 10;

// Connections that wait for their next request. Any sign of life from one of them is its end.
class Pool {
 public:
  Pool(io::Loop& loop, const ClientOptions& options) : loop_(loop), options_(options) {}

  std::unique_ptr<Channel> take() {
    drop_old();
    if (idle_.empty()) return nullptr;
    auto channel = std::move(idle_.back()->channel);  // The newest is the least likely to be dead.
    idle_.pop_back();
    return channel;
  }

  void give(std::unique_ptr<Channel> channel) {
    drop_old();
    if (idle_.size() >= options_.max_idle) return;
    auto& entry = idle_.emplace_back(std::make_unique<Idle>(*this));
    entry->since = loop_.clock().monotonic();
    entry->channel = std::move(channel);
    entry->channel->set_owner(*entry);
    entry->channel->want_read(true);
  }

 private:
  struct Idle final : ChannelOwner {
    explicit Idle(Pool& owner) : pool(owner) {}
    void on_connected() override {}
    void on_readable() override { pool.drop(this); }
    void on_drained() override {}
    void on_broken() override { pool.drop(this); }
    Pool& pool;
    std::unique_ptr<Channel> channel;
    MonotonicTime since;
  };

  void drop(Idle* which) {
    std::erase_if(idle_, [which](const auto& entry) { return entry.get() == which; });
  }

  void drop_old() {
    MonotonicTime now = loop_.clock().monotonic();
    std::erase_if(idle_,
                  [&](const auto& entry) { return now - entry->since > options_.idle_timeout; });
  }

  io::Loop& loop_;
  const ClientOptions& options_;
  std::list<std::unique_ptr<Idle>> idle_;
};

struct Shared {
  Shared(io::Loop& the_loop, ClientOptions the_options)
      : loop(the_loop), options(std::move(the_options)), pool(loop, options) {}
  io::Loop& loop;
  const ClientOptions options;
  Pool pool;
};

bool may_repeat(std::string_view method) { return method != "POST" && method != "PATCH"; }

// One request until its answer is complete.
class CallCore final : public ChannelOwner, public std::enable_shared_from_this<CallCore> {
 public:
  CallCore(std::shared_ptr<Shared> shared, ClientRequest request, Call::Events events)
      : shared_(std::move(shared)),
        request_(std::move(request)),
        events_(std::make_shared<Call::Events>(std::move(events))) {}

  void start() {
    if (auto kept = shared_->pool.take()) {
      reused_ = true;
      return begin_on(std::move(kept));
    }
    connect();
  }

  void cancel() {
    events_.reset();
    connector_.reset();
    channel_.reset();
  }

  void pause_reading(bool paused) {
    paused_ = paused;
    if (channel_) channel_->want_read(!paused);
  }

  void on_connected() override {}
  void on_drained() override {}

  void on_readable() override {
    auto self = shared_from_this();
    while (channel_ && !paused_) {
      auto read = channel_->read(read_scratch());
      if (read.state == Channel::State::kWouldBlock) return;
      if (read.state != Channel::State::kOk) return peer_ended(read.state);
      answered_ = true;
      in_.append(read_scratch().data(), read.bytes);
      process();
      if (!read.more) return;
    }
  }

  void on_broken() override {
    auto self = shared_from_this();
    peer_ended(Channel::State::kBroken);
  }

 private:
  void connect() {
    connector_ =
        start_connecting(shared_->loop, shared_->options.endpoint, shared_->options.connect_timeout,
                         [weak = weak_from_this()](Result<std::unique_ptr<Channel>> result) {
                           auto self = weak.lock();
                           if (!self) return;
                           if (!result) return self->finish(std::unexpected(result.error()));
                           self->begin_on(std::move(*result));
                         });
  }

  void begin_on(std::unique_ptr<Channel> channel) {
    channel_ = std::move(channel);
    channel_->set_owner(*this);
    channel_->want_read(!paused_);
    channel_->write(head_text());
    channel_->write(request_.body);
    channel_->flush();
  }

  std::string head_text() const {
    const Endpoint& endpoint = shared_->options.endpoint;
    std::string text = request_.method + " " + request_.target + " HTTP/1.1\r\n";
    if (!request_.headers.has("host")) {
      bool v6 = endpoint.host.find(':') != std::string::npos;
      text += "host: " + (v6 ? "[" + endpoint.host + "]" : endpoint.host);
      if (endpoint.port != 0 && endpoint.port != (endpoint.tls ? 443 : 80))
        text += ":" + std::to_string(endpoint.port);
      text += "\r\n";
    }
    for (const auto& [name, value] : request_.headers.all()) {
      if (name == "content-length" || name == "transfer-encoding") continue;
      text.append(name).append(": ").append(value).append("\r\n");
    }
    if (!request_.body.empty() || request_.method == "POST" || request_.method == "PUT" ||
        request_.method == "PATCH")
      text += "content-length: " + std::to_string(request_.body.size()) + "\r\n";
    return text + "\r\n";
  }

  void peer_ended(Channel::State state) {
    if (!channel_) return;
    if (state == Channel::State::kEnd && head_done_ && info_.framing == Framing::kUntilClose)
      return complete();
    std::string why = channel_->error();
    channel_.reset();
    if (reused_ && !answered_ && may_repeat(request_.method)) {
      reused_ = false;
      return connect();
    }
    if (why.empty()) why = "the server closed the connection";
    finish(
        errors::unavailable(request_.method + " " + shared_->options.endpoint.host + ": " + why));
  }

  void process() {
    while (channel_ && !head_done_)
      if (!read_head()) return;
    if (channel_) read_body();
  }

  // True if a head was taken from the input.
  bool read_head() {
    std::size_t end = find_head_end(in_, searched_);
    if (end == std::string::npos) {
      if (in_.size() > kMaxHeadBytes) malformed("its header is too large");
      return false;
    }
    ParsedResponse parsed;
    info_ = HeadInfo();
    bool good = parse_response_head(std::string_view(in_).substr(0, end), request_.method == "HEAD",
                                    parsed, info_);
    in_.erase(0, end);
    searched_ = 0;
    if (!good) {
      malformed("malformed header");
      return false;
    }
    ResponseHead head{parsed.status, std::move(parsed.headers)};
    if (head.status == 101) {
      upgraded(head);
      return false;
    }
    if (head.status < 200) return true;  // 100 Continue and its like.
    head_done_ = true;
    left_ = info_.content_length;
    auto events = events_;
    if (events && events->on_head) events->on_head(head);
    return true;
  }

  void upgraded(const ResponseHead& head) {
    auto events = std::exchange(events_, nullptr);
    if (!events) return;
    if (!events->on_upgrade) {
      channel_.reset();
      if (events->on_done) events->on_done(errors::unavailable("the server changed the protocol"));
      return;
    }
    events->on_upgrade(head, make_socket_stream(std::move(channel_), std::exchange(in_, {})));
  }

  void malformed(std::string_view what) {
    channel_.reset();
    finish(errors::unavailable("the server's answer cannot be read: " + std::string(what)));
  }

  void read_body() {
    switch (info_.framing) {
      case Framing::kNone:
        return complete();
      case Framing::kUntilClose:
        return deliver(std::exchange(in_, {}));
      case Framing::kLength: {
        auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in_.size()));
        left_ -= n;
        std::string piece = in_.substr(0, n);
        in_.erase(0, n);
        deliver(piece);
        if (channel_ && left_ == 0) complete();
        return;
      }
      case Framing::kChunked: {
        std::string piece;
        std::size_t used = 0;
        auto state = decoder_.feed(in_, used, piece);
        in_.erase(0, used);
        deliver(piece);
        if (!channel_) return;
        if (state == ChunkDecoder::State::kBad) return malformed("malformed chunk");
        if (state == ChunkDecoder::State::kDone) complete();
        return;
      }
    }
  }

  void deliver(const std::string& bytes) {
    auto events = events_;
    if (!bytes.empty() && events && events->on_data) events->on_data(bytes);
  }

  void complete() {
    if (info_.keep_alive && in_.empty() && channel_->unsent() == 0)
      shared_->pool.give(std::move(channel_));
    channel_.reset();
    finish({});
  }

  void finish(Result<void> result) {
    auto self = shared_from_this();
    connector_.reset();
    auto events = std::exchange(events_, nullptr);
    if (events && events->on_done) events->on_done(std::move(result));
  }

  const std::shared_ptr<Shared> shared_;
  const ClientRequest request_;
  std::shared_ptr<Call::Events> events_;
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<Channel> channel_;
  bool reused_ = false, answered_ = false, paused_ = false, head_done_ = false;
  std::string in_;
  std::size_t searched_ = 0;
  HeadInfo info_;
  std::uint64_t left_ = 0;
  ChunkDecoder decoder_;
};

class CallHandle final : public Call {
 public:
  explicit CallHandle(std::shared_ptr<CallCore> core) : core_(std::move(core)) {}
  ~CallHandle() override { core_->cancel(); }
  void pause_reading(bool paused) override { core_->pause_reading(paused); }

 private:
  const std::shared_ptr<CallCore> core_;
};

class HttpClientImpl final : public HttpClient {
 public:
  HttpClientImpl(io::Loop& loop, ClientOptions options)
      : shared_(std::make_shared<Shared>(loop, std::move(options))) {}

  ~HttpClientImpl() override {
    for (auto& weak : calls_)
      if (auto call = weak.lock()) call->cancel();
  }

  std::unique_ptr<Call> send(ClientRequest request, Call::Events events) override {
    if (calls_.size() >= 2 * live_) {
      std::erase_if(calls_, [](const auto& weak) { return weak.expired(); });
      live_ = std::max<std::size_t>(calls_.size(), 16);
    }
    auto core = std::make_shared<CallCore>(shared_, std::move(request), std::move(events));
    calls_.push_back(core);
    core->start();
    return std::make_unique<CallHandle>(std::move(core));
  }

 private:
  const std::shared_ptr<Shared> shared_;
  std::vector<std::weak_ptr<CallCore>> calls_;
  std::size_t live_ = 16;
};

class PendingConnectImpl final : public PendingConnect {
 public:
  std::unique_ptr<Connector> connector;
};

}  // namespace

std::unique_ptr<HttpClient> HttpClient::create(io::Loop& loop, ClientOptions options) {
  return std::make_unique<HttpClientImpl>(loop, std::move(options));
}

std::unique_ptr<PendingConnect> connect_stream(
    io::Loop& loop, Endpoint endpoint, Duration timeout,
    std::function<void(Result<std::unique_ptr<Stream>>)> done) {
  auto pending = std::make_unique<PendingConnectImpl>();
  pending->connector = start_connecting(
      loop, endpoint, timeout, [done = std::move(done)](Result<std::unique_ptr<Channel>> result) {
        if (!result) return done(std::unexpected(result.error()));
        done(make_socket_stream(std::move(*result), {}));
      });
  return pending;
}

}  // namespace pinnace::net
