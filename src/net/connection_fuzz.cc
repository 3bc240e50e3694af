// A server's connections under bytes of anybody, as HTTP/1.1 and as HTTP/2: nothing breaks, and a
// handler is only ever called with a whole request within the bounds.
// Input: a byte that chooses the version and how the bytes are cut, then what the peer sends. With
//   its second bit these are frames of HTTP/2 in short form (`write_out`): nghttp2 is not
//   instrumented, so nothing would lead the fuzzer to frames that are whole.
#include <sys/socket.h>

#include <algorithm>
#include <thread>

#include "base/assert.h"
#include "io/loop.h"
#include "net/internal/connection.h"

namespace {

using namespace pinnace;
using namespace pinnace::net;
using namespace pinnace::net::internal;

constexpr std::size_t kMaxBody = 4096, kMaxHead = 2048;
// What every HTTP/2 client says first: so that its frames are reached.
constexpr std::string_view kPreface{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33};

// More than the windows of a peer take at once.
class LongBody final : public Body {
 public:
  Read read(std::span<char> buffer) override {
    const std::size_t size = std::min(buffer.size(), left_);
    std::fill_n(buffer.begin(), size, 'x');
    left_ -= size;
    return {size, left_ == 0 ? State::kEnd : State::kMore};
  }

 private:
  std::size_t left_ = 100'000;
};

class EchoHandler final : public Handler {
 public:
  void handle(Request request, std::shared_ptr<Exchange> exchange) override {
    PINNACE_ASSERT(request.body.size() <= kMaxBody);
    if (request.method == "PUT") return;  // Never answered.
    if (request.method == "GET") {
      return exchange->stream(200, {}, std::make_unique<LongBody>());
    }
    exchange->respond(200, {}, std::move(request.body));
  }
};

class Host final : public ConnectionHost {
 public:
  Host() {
    options_.handler = &handler_;
    options_.max_body_bytes = kMaxBody;
    options_.max_head_bytes = kMaxHead;
    options_.max_streams = 8;
  }
  const ServerOptions& options() const override { return options_; }
  const std::shared_ptr<LoopHandle>& handle() const override { return handle_; }
  const std::shared_ptr<BodyRoom>& body_room() const override { return body_room_; }
  bool stopping() const override { return false; }
  void release(Connection&) override { connection_.reset(); }

  void play(bool is_http2, std::string_view bytes, std::size_t step);

 private:
  // Whatever is posted now, and what that posts in turn.
  void turn() {
    for (int round = 0; round < 4; ++round) {
      loop_->post([this] { loop_->stop(); });
      loop_->run();
    }
  }

  const std::shared_ptr<BodyRoom> body_room_ = std::make_shared<BodyRoom>(2 * kMaxBody);
  EchoHandler handler_;
  ServerOptions options_;
  std::unique_ptr<io::Loop> loop_ = io::Loop::create().value();
  std::shared_ptr<LoopHandle> handle_ =
      std::make_shared<LoopHandle>(*loop_, std::this_thread::get_id());
  std::shared_ptr<Connection> connection_;
};

struct Nobody final : ChannelOwner {
  void on_connected() override {}
  void on_readable() override {}
  void on_drained() override {}
  void on_broken() override {}
};

void Host::play(bool is_http2, std::string_view bytes, std::size_t step) {
  static Nobody nobody;
  int fds[2];
  PINNACE_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  const io::UniqueFd peer(fds[1]);
  auto channel = std::make_unique<Channel>(*loop_, io::UniqueFd(fds[0]), Ssl(), nobody);
  channel->start(false);
  connection_ = is_http2 ? make_http2_connection(*this, std::move(channel), {})
                         : make_http1_connection(*this, std::move(channel), {});
  connection_->start();
  const auto exchange = [&](std::string_view piece) {
    (void)send(peer.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    turn();
    char answer[16 << 10];
    while (recv(peer.get(), answer, sizeof answer, 0) > 0) {
    }
  };
  if (is_http2) exchange(kPreface);
  for (std::size_t at = 0; at < bytes.size() && connection_; at += step) {
    exchange(bytes.substr(at, step));
  }
  if (connection_) connection_->check_deadlines(loop_->clock().monotonic());
  if (const auto open = connection_) open->go_away();
  turn();
  if (const auto open = connection_) open->cut();
  turn();
  PINNACE_ASSERT(connection_ == nullptr);
}

// Type, flags, stream and size, a byte each, and what the frame carries; as they are on the wire.
std::string write_out(std::string_view frames) {
  std::string out;
  while (frames.size() >= 4) {
    const char type = frames[0], flags = frames[1], stream = frames[2];
    const std::size_t size =
        std::min<std::size_t>(static_cast<unsigned char>(frames[3]), frames.size() - 4);
    out.append({0, 0, static_cast<char>(size), type, flags, 0, 0, 0, stream});
    out.append(frames.substr(4, size));
    frames.remove_prefix(4 + size);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Host& host = *new Host();
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool in_short_form = (data[0] & 2) != 0;
  const std::string frames = in_short_form ? write_out(bytes) : std::string(bytes);
  // Large steps: each costs a turn of the loop.
  host.play(in_short_form || (data[0] & 1) != 0, frames, 1 + frames.size() / (1u + (data[0] >> 5)));
  return 0;
}
