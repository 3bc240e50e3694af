#include "kubelet/server/channel_session.h"

#include <algorithm>
#include <array>
#include <optional>

#include "io/loop.h"
#include "net/idle_timer.h"
#include "net/pipe.h"

namespace pinnace::kubelet {
namespace {

constexpr std::size_t kMaxWaitingBytes = 256 << 10;
constexpr unsigned char kStdin = 0, kStdout = 1, kStderr = 2, kError = 3, kResize = 4, kClose = 255;
constexpr std::array<std::string_view, 5> kNames = {"stdin", "stdout", "stderr", "error", "resize"};
constexpr std::string_view kBroken =
    R"({"metadata":{},"status":"Failure","message":"Internal error occurred: the session ended )"
    R"(before the command did","reason":"InternalError","code":500})";

class ChannelSession final : public std::enable_shared_from_this<ChannelSession> {
 public:
  ChannelSession(std::unique_ptr<net::WebSocket> client, std::unique_ptr<net::SpdySession> runtime,
                 bool can_close_stdin)
      : client_(std::move(client)),
        runtime_(std::move(runtime)),
        can_close_stdin_(can_close_stdin),
        idle_(std::in_place, client_->loop(), net::kStreamIdleLimit, [this] { end_client(); }) {}

  // The connections hold us, by their events, until both are gone.
  void start(cri::StreamOptions wanted) {
    const auto self = shared_from_this();
    client_->start({.on_message = [self](bool, std::string_view m) { self->from_client(m); },
                    .on_drained =
                        [self] {
                          if (self->runtime_) self->runtime_->pause_reading(false);
                        },
                    .on_closed = [self](int, std::string_view) { self->finish(); }});
    runtime_->start({.on_stream = {},
                     .on_drained =
                         [self] {
                           if (self->client_) self->client_->pause_reading(false);
                         },
                     .on_closed = [self] { self->end_client(); }});
    open(kError, true);
    if (wanted.in) open(kStdin, false);
    if (wanted.out) open(kStdout, true);
    if (wanted.err) open(kStderr, true);
    if (wanted.tty) open(kResize, false);
    // Tells the client that the session stands.
    send(wanted.out ? kStdout : wanted.err ? kStderr : kError, {});
  }

 private:
  void open(unsigned char channel, bool is_read) {
    net::Headers headers;
    headers.add("streamtype", kNames[channel]);
    auto stream = runtime_->open(headers);
    if (!stream) return;  // The session is over, and says so.
    const auto self = shared_from_this();
    reading_[channel] = is_read;
    stream->start(
        {.on_data = [self, channel](std::string_view bytes) { self->send(channel, bytes); },
         .on_end = [self, channel] { self->channel_over(channel); },
         .on_reply = {},
         .on_reset = [self, channel](std::uint32_t) { self->channel_over(channel); }});
    streams_[channel] = std::move(stream);
  }

  void channel_over(unsigned char channel) {
    if (!std::exchange(reading_[channel], false)) return;
    if (std::ranges::find(reading_, true) == reading_.end()) end_client();
  }

  void send(unsigned char channel, std::string_view bytes) {
    if (!client_) return;
    if (idle_) idle_->touch();
    if (channel == kError && !bytes.empty()) told_end_ = true;
    const char first = static_cast<char>(channel);
    client_->send_binary({&first, 1}, bytes);
    if (client_->unsent_bytes() > kMaxWaitingBytes && runtime_) runtime_->pause_reading(true);
  }

  void from_client(std::string_view message) {
    if (message.empty() || !runtime_) return;
    if (idle_) idle_->touch();
    const auto channel = static_cast<unsigned char>(message[0]);
    message.remove_prefix(1);
    if (can_close_stdin_ && channel == kClose) {
      if (message == std::string_view("\0", 1) && streams_[kStdin]) streams_[kStdin]->end();
      return;
    }
    if ((channel != kStdin && channel != kResize) || !streams_[channel]) return;
    streams_[channel]->write(message);
    if (runtime_->unsent_bytes() > kMaxWaitingBytes) client_->pause_reading(true);
  }

  // All that the runtime has to say was said: what is on its way is delivered, then a goodbye.
  void end_client() {
    if (std::exchange(ending_, true) || !client_) return;
    const auto self = shared_from_this();
    if (!told_end_) send(kError, kBroken);
    idle_.reset();
    drop_runtime();
    client_->pause_reading(false);  // For its goodbye.
    client_->close(1000);
  }

  void finish() {
    const auto self = shared_from_this();
    idle_.reset();
    drop_runtime();
    client_.reset();
  }

  void drop_runtime() {
    for (auto& stream : streams_) stream.reset();
    runtime_.reset();
  }

  std::unique_ptr<net::WebSocket> client_;
  std::unique_ptr<net::SpdySession> runtime_;
  const bool can_close_stdin_;
  std::optional<net::IdleTimer> idle_;
  std::array<std::shared_ptr<net::SpdyStream>, kNames.size()> streams_;
  std::array<bool, kNames.size()> reading_{};  // What the runtime has not ended yet.
  bool told_end_ = false;                      // The client knows how it ended.
  bool ending_ = false;
};

}  // namespace

void run_channels(std::unique_ptr<net::WebSocket> client, std::unique_ptr<net::SpdySession> runtime,
                  cri::StreamOptions streams, bool can_close_stdin) {
  std::make_shared<ChannelSession>(std::move(client), std::move(runtime), can_close_stdin)
      ->start(streams);
}

}  // namespace pinnace::kubelet
