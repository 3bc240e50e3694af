#include "io/loop.h"
#include "net/internal/channel.h"

namespace pinnace::net::internal {
namespace {

class SocketStream final : public Stream, private ChannelOwner {
 public:
  SocketStream(std::unique_ptr<Channel> channel, std::string first)
      : channel_(std::move(channel)), loop_(channel_->loop()), first_(std::move(first)) {
    channel_->set_owner(*this);
    channel_->want_read(false);
  }

  void start(Events events) override {
    events_ = std::make_shared<Events>(std::move(events));
    loop_.post([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) begin_reading();
    });
  }

  void write(std::string_view bytes) override {
    if (!channel_) return;
    channel_->write(bytes);
    channel_->flush();
  }

  std::size_t unsent_bytes() const override { return channel_ ? channel_->unsent() : 0; }

  void pause_reading(bool paused) override {
    paused_ = paused;
    if (!channel_ || !started_) return;
    channel_->want_read(!paused_ && !peer_ended_);
    if (!paused_ && !first_.empty()) {
      loop_.post([this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) deliver_first();
      });
    }
  }

  void end() override {
    if (!channel_ || we_ended_) return;
    we_ended_ = true;
    channel_->end_writing();
    if (peer_ended_ && channel_->writing_ended()) close_later();
  }

  void close() override {
    if (channel_) close_later();
  }

  io::Loop& loop() override { return loop_; }

 private:
  void begin_reading() {
    started_ = true;
    if (!channel_) return;
    if (!deliver_first()) return;
    if (channel_) channel_->want_read(!paused_ && !peer_ended_);
  }

  // False if that destroyed us.
  bool deliver_first() {
    if (first_.empty() || paused_) return true;
    std::string bytes = std::exchange(first_, {});
    return deliver(bytes);
  }

  bool deliver(std::string_view bytes) {
    std::weak_ptr<char> alive = alive_;
    auto events = events_;  // An event may destroy us and itself.
    if (events->on_data) events->on_data(bytes);
    return !alive.expired();
  }

  void on_connected() override {}

  void on_readable() override {
    if (!first_.empty() && !deliver_first()) return;
    while (channel_ && !paused_ && !peer_ended_) {
      auto read = channel_->read(read_scratch());
      if (read.bytes > 0 && !deliver({read_scratch().data(), read.bytes})) return;
      if (read.state == Channel::State::kEnd) return on_peer_end();
      if (read.state == Channel::State::kBroken) return on_broken();
      if (read.state == Channel::State::kWouldBlock || !read.more) return;
    }
  }

  void on_peer_end() {
    peer_ended_ = true;
    channel_->want_read(false);
    std::weak_ptr<char> alive = alive_;
    auto events = events_;
    if (events->on_end) events->on_end();
    if (!alive.expired() && channel_ && we_ended_ && channel_->writing_ended()) on_broken();
  }

  void on_drained() override {
    if (we_ended_) {
      if (peer_ended_) on_broken();
      return;
    }
    auto events = events_;
    if (events && events->on_drained) events->on_drained();
  }

  void on_broken() override {
    if (closed_) return;
    closed_ = true;
    channel_.reset();
    auto events = events_;
    if (events && events->on_closed) events->on_closed();
  }

  // Not at once: the caller may be in the middle of something with us.
  void close_later() {
    channel_.reset();
    loop_.post([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) on_broken();
    });
  }

  std::unique_ptr<Channel> channel_;
  io::Loop& loop_;
  std::string first_;
  std::shared_ptr<Events> events_;
  bool started_ = false, paused_ = false, peer_ended_ = false, we_ended_ = false, closed_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace

std::unique_ptr<Stream> make_socket_stream(std::unique_ptr<Channel> channel, std::string first) {
  return std::make_unique<SocketStream>(std::move(channel), std::move(first));
}

}  // namespace pinnace::net::internal
