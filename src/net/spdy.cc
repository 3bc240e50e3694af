#include "net/spdy.h"

#include <algorithm>
#include <map>

#include "io/loop.h"
#include "net/internal/spdy_frames.h"

namespace pinnace::net {
namespace {

using namespace internal;  // NOLINT: the frames are there.

constexpr std::size_t kMaxStreams = 1000;
constexpr std::size_t kMaxWaitingBytes = 64 << 10;
constexpr std::size_t kDataFrameBytes = 32 << 10;
constexpr std::size_t kMaxUnsentBytes = 1 << 20;
constexpr std::uint32_t kProtocolError = 1, kFlowControlError = 7;
constexpr Duration kCloseTimeout = std::chrono::seconds(10);

// What a stream asks of its session; gone when the session is over.
class StreamHost {
 public:
  virtual void send(std::string_view frames) = 0;
  virtual SpdyWriter& writer() = 0;
  virtual io::Loop& loop() = 0;
  virtual void forget(std::uint32_t id) = 0;

 protected:
  ~StreamHost() = default;
};

class StreamImpl final : public SpdyStream, public std::enable_shared_from_this<StreamImpl> {
 public:
  StreamImpl(StreamHost& host, std::uint32_t id, Headers headers, bool is_ours)
      : host_(&host), id_(id), headers_(std::move(headers)), replied_(is_ours) {}

  std::uint32_t id() const override { return id_; }
  const Headers& headers() const override { return headers_; }
  bool is_closed() const override { return host_ == nullptr; }

  void start(Events events) override {
    events_ = std::make_shared<Events>(std::move(events));
    if (host_ == nullptr || (waiting_.empty() && !end_waits_)) return;
    host_->loop().post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->deliver_waiting();
    });
  }

  void reply(const Headers& headers) override {
    if (host_ == nullptr || std::exchange(replied_, true)) return;
    host_->send(host_->writer().syn_reply(id_, headers, false));
  }

  void write(std::string_view bytes) override {
    while (host_ != nullptr && !we_ended_ && !bytes.empty()) {
      const auto piece = bytes.substr(0, kDataFrameBytes);
      bytes.remove_prefix(piece.size());
      host_->send(SpdyWriter::data_head(id_, piece.size(), false).append(piece));
    }
  }

  void end() override {
    if (host_ == nullptr || std::exchange(we_ended_, true)) return;
    host_->send(SpdyWriter::data_head(id_, 0, true));
    if (peer_ended_) leave();
  }

  void reset(std::uint32_t status) override {
    if (host_ == nullptr) return;
    host_->send(SpdyWriter::reset(id_, status));
    leave();
  }

  // From the session.

  void on_data(std::string_view bytes) {
    if (peer_ended_ || bytes.empty()) return;
    if (events_ && waiting_.empty()) {
      const auto kept = events_;
      if (kept->on_data) kept->on_data(bytes);
      return;
    }
    if (waiting_.size() + bytes.size() > kMaxWaitingBytes) {
      const auto self = shared_from_this();
      reset(kFlowControlError);
      return on_over(kFlowControlError);
    }
    waiting_.append(bytes);
  }

  void on_end() {
    if (std::exchange(peer_ended_, true)) return;
    if (!events_ || !waiting_.empty()) {
      end_waits_ = true;
      return;
    }
    tell_end();
  }

  void on_reply(const Headers& headers) {
    const auto kept = events_;
    if (kept && kept->on_reply) kept->on_reply(headers);
  }

  void on_over(std::uint32_t status) {
    host_ = nullptr;
    deliver_waiting();
    const auto kept = std::exchange(events_, nullptr);
    if (kept && kept->on_reset) kept->on_reset(status);
  }

  void detach() { host_ = nullptr; }

 private:
  void deliver_waiting() {
    const auto kept = events_;
    if (!kept) return;
    const std::string bytes = std::exchange(waiting_, {});
    if (!bytes.empty() && kept->on_data) kept->on_data(bytes);
    if (std::exchange(end_waits_, false)) tell_end();
  }

  void tell_end() {
    const auto self = shared_from_this();
    const auto kept = events_;
    if (we_ended_) leave();
    if (kept && kept->on_end) kept->on_end();
  }

  void leave() {
    const auto self = shared_from_this();
    if (auto* host = std::exchange(host_, nullptr)) host->forget(id_);
  }

  StreamHost* host_;
  const std::uint32_t id_;
  const Headers headers_;
  bool replied_;
  bool we_ended_ = false, peer_ended_ = false;
  std::string waiting_;     // Came before `start`.
  bool end_waits_ = false;  // So did the end.
  std::shared_ptr<Events> events_;
};

class SessionImpl final : public SpdySession, private StreamHost {
 public:
  SessionImpl(std::unique_ptr<Stream> stream, Role role)
      : stream_(std::move(stream)),
        loop_(stream_->loop()),
        next_id_(role == Role::kClient ? 1 : 2) {}

  ~SessionImpl() override {
    for (const auto& entry : streams_) entry.second->detach();
  }

  void start(Events events) override {
    events_ = std::make_shared<Events>(std::move(events));
    stream_->start({.on_data =
                        [this](std::string_view bytes) {
                          parser_.feed(bytes);
                          deliver();
                        },
                    .on_end = [this] { finish(); },
                    .on_drained =
                        [this] {
                          const auto kept = events_;
                          if (kept->on_drained) kept->on_drained();
                        },
                    .on_closed = [this] { finish(); }});
  }

  std::shared_ptr<SpdyStream> open(const Headers& headers) override {
    if (over_ || closing_ || peer_leaves_ || next_id_ > kSpdyMaxStreamId) return nullptr;
    const std::uint32_t id = next_id_;
    next_id_ += 2;
    auto made = std::make_shared<StreamImpl>(host(), id, headers, true);
    streams_.emplace(id, made);
    send(writer_.syn_stream(id, headers, false));
    return made;
  }

  void ping() override {
    if (over_ || closing_) return;
    send(SpdyWriter::ping(next_ping_));
    next_ping_ += 2;
  }

  void close() override {
    if (over_ || closing_) return;
    send(SpdyWriter::go_away(last_peer_id_, 0));
    closing_ = true;
    stream_->end();
    loop_.schedule_after(kCloseTimeout, [this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) finish();
    });
  }

  std::size_t unsent_bytes() const override { return stream_->unsent_bytes(); }

  void pause_reading(bool paused) override {
    if (paused == paused_) return;
    paused_ = paused;
    stream_->pause_reading(paused);
    if (paused) return;
    loop_.post([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) deliver();
    });
  }

  io::Loop& loop() override { return loop_; }

 private:
  StreamHost& host() { return *this; }
  void send(std::string_view frames) override {
    if (!over_ && !closing_) stream_->write(frames);
  }
  // What a few bytes of the peer ask for: one that takes no answers could ask for ever.
  void answer(std::string_view frame) {
    if (unsent_bytes() > kMaxUnsentBytes) return fail();
    send(frame);
  }
  SpdyWriter& writer() override { return writer_; }
  void forget(std::uint32_t id) override { streams_.erase(id); }

  void deliver() {
    const std::weak_ptr<char> alive = alive_;
    while (!paused_ && !over_) {
      const auto frame = parser_.next();
      if (!frame) break;
      take(*frame);
      if (alive.expired()) return;
    }
    if (parser_.failed()) fail();
  }

  void take(const SpdyFrame& frame) {
    switch (frame.type) {
      case SpdyType::kSynStream:
        return accept(frame);
      case SpdyType::kPing:
        if (frame.value % 2 != next_ping_ % 2) answer(SpdyWriter::ping(frame.value));
        return;
      case SpdyType::kGoAway:
        peer_leaves_ = true;
        return;
      default:
        break;
    }
    const auto found = streams_.find(frame.stream_id);
    if (found == streams_.end()) return;  // Was reset by us; what is on its way does not matter.
    const auto stream = found->second;
    const std::weak_ptr<char> alive = alive_;
    if (frame.type == SpdyType::kReset) {
      streams_.erase(found);
      return stream->on_over(frame.value);
    }
    if (frame.type == SpdyType::kData) stream->on_data(frame.data);
    if (frame.type == SpdyType::kSynReply) stream->on_reply(frame.headers);
    if (!alive.expired() && frame.fin) stream->on_end();
  }

  void accept(const SpdyFrame& frame) {
    const bool is_peers = frame.stream_id % 2 != next_id_ % 2;
    if (!is_peers || frame.stream_id <= last_peer_id_) return fail();
    last_peer_id_ = frame.stream_id;
    if (closing_ || streams_.size() >= kMaxStreams) {
      return answer(SpdyWriter::reset(frame.stream_id, SpdyStream::kRefused));
    }
    auto made = std::make_shared<StreamImpl>(host(), frame.stream_id, frame.headers, false);
    streams_.emplace(frame.stream_id, made);
    if (frame.fin) made->on_end();
    const auto kept = events_;
    if (kept->on_stream)
      kept->on_stream(std::move(made));
    else
      made->reset(SpdyStream::kRefused);
  }

  void fail() {
    send(SpdyWriter::go_away(last_peer_id_, kProtocolError));
    finish();
  }

  void finish() {
    if (std::exchange(over_, true)) return;
    stream_->end();
    const auto kept = events_;
    const std::weak_ptr<char> alive = alive_;
    const auto streams = std::exchange(streams_, {});
    for (const auto& entry : streams) entry.second->detach();
    for (const auto& entry : streams) {
      entry.second->on_over(SpdyStream::kCancel);
      if (alive.expired()) return;
    }
    if (kept->on_closed) kept->on_closed();
  }

  const std::unique_ptr<Stream> stream_;
  io::Loop& loop_;
  SpdyParser parser_;
  SpdyWriter writer_;
  std::shared_ptr<Events> events_;  // Kept by the event under way: it may destroy us.
  std::map<std::uint32_t, std::shared_ptr<StreamImpl>> streams_;
  std::uint32_t next_id_, last_peer_id_ = 0, next_ping_ = next_id_;
  bool paused_ = false, closing_ = false, peer_leaves_ = false, over_ = false;
  const std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace

std::unique_ptr<SpdySession> SpdySession::create(std::unique_ptr<Stream> stream, Role role) {
  return std::make_unique<SessionImpl>(std::move(stream), role);
}

}  // namespace pinnace::net
