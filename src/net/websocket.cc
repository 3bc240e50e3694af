#include "net/websocket.h"

#include <openssl/rand.h>

#include <algorithm>

#include "base/strings.h"
#include "io/loop.h"
#include "net/digest.h"
#include "net/internal/websocket_frames.h"

namespace pinnace::net {
namespace {

using namespace internal;  // NOLINT: the frames are there.

constexpr Duration kCloseTimeout = std::chrono::seconds(10);
constexpr std::size_t kMaxUnsentBytes = 1 << 20;
constexpr int kNoCode = 1005, kVanished = 1006;

class WebSocketImpl final : public WebSocket {
 public:
  WebSocketImpl(std::unique_ptr<Stream> stream, Role role, std::size_t max_message_bytes)
      : stream_(std::move(stream)),
        loop_(stream_->loop()),
        role_(role),
        parser_(role == Role::kServer, max_message_bytes) {}

  void start(Events events) override {
    events_ = std::make_shared<Events>(std::move(events));
    stream_->start({.on_data =
                        [this](std::string_view bytes) {
                          parser_.feed(bytes);
                          deliver();
                        },
                    .on_end = [this] { finish(kVanished, {}); },
                    .on_drained =
                        [this] {
                          const auto kept = events_;
                          if (kept->on_drained) kept->on_drained();
                        },
                    .on_closed = [this] { finish(kVanished, {}); }});
  }

  void send_text(std::string_view message) override { send(WebSocketOpcode::kText, message, {}); }
  void send_binary(std::string_view first, std::string_view rest) override {
    send(WebSocketOpcode::kBinary, first, rest);
  }
  void ping(std::string_view payload) override { send(WebSocketOpcode::kPing, payload, {}); }

  void close(int code, std::string_view reason) override {
    if (closing_ || finished_) return;
    send_close(code, reason);
    await_close(unsent_bytes());
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
  void send(WebSocketOpcode opcode, std::string_view first, std::string_view rest) {
    if (closing_ || finished_) return;
    const std::size_t size = first.size() + rest.size();
    if (role_ == Role::kServer) {
      std::string frame = websocket_frame_head(opcode, size, nullptr);
      frame.append(first).append(rest);
      return stream_->write(frame);
    }
    std::array<char, 4> mask;
    RAND_bytes(reinterpret_cast<unsigned char*>(mask.data()), mask.size());
    std::string frame = websocket_frame_head(opcode, size, &mask);
    const std::size_t head = frame.size();
    frame.append(first).append(rest);
    apply_websocket_mask(frame, head, mask);
    stream_->write(frame);
  }

  void send_close(int code, std::string_view reason) {
    std::string payload;
    if (code != kNoCode) {
      payload += static_cast<char>(code >> 8);
      payload += static_cast<char>(code);
      payload.append(reason.substr(0, 123));
    }
    send(WebSocketOpcode::kClose, payload, {});
    closing_ = true;
  }

  // The peer may be slow to take what comes before the close frame, but not stand still.
  void await_close(std::size_t unsent) {
    loop_.schedule_after(kCloseTimeout, [this, unsent, alive = std::weak_ptr(alive_)] {
      if (alive.expired()) return;
      const std::size_t now = unsent_bytes();
      return now < unsent ? await_close(now) : finish(kVanished, {});
    });
  }

  void deliver() {
    const std::weak_ptr<char> alive = alive_;
    while (!paused_ && !finished_) {
      auto message = parser_.next();
      if (!message) break;
      take(*message);
      if (alive.expired()) return;
    }
    if (finished_ || parser_.failure() == 0) return;
    const int code = parser_.failure();
    send_close(code, {});
    finish(code, "the peer broke the protocol");
  }

  void take(const WebSocketParser::Message& message) {
    switch (message.opcode) {
      case WebSocketOpcode::kPing:
        // A peer that takes no answers could ask for ever; of several pings the last may do.
        if (unsent_bytes() > kMaxUnsentBytes) return;
        return send(WebSocketOpcode::kPong, message.payload, {});
      case WebSocketOpcode::kPong:
        return;
      case WebSocketOpcode::kClose: {
        const auto close = parse_websocket_close(message.payload);
        send_close(close ? close->code : 1002, {});
        return close ? finish(close->code, close->reason) : finish(1002, {});
      }
      default: {
        if (closing_) return;  // We said goodbye: what still comes is of no use.
        const auto kept = events_;
        if (kept->on_message) {
          kept->on_message(message.opcode == WebSocketOpcode::kText, message.payload);
        }
      }
    }
  }

  void finish(int code, std::string_view reason) {
    if (finished_) return;
    finished_ = true;
    stream_->end();
    const auto kept = events_;
    if (kept->on_closed) kept->on_closed(code, reason);
  }

  const std::unique_ptr<Stream> stream_;
  io::Loop& loop_;
  const Role role_;
  WebSocketParser parser_;
  std::shared_ptr<Events> events_;  // Kept by the event under way: it may destroy us.
  bool paused_ = false, closing_ = false, finished_ = false;
  const std::shared_ptr<char> alive_ = std::make_shared<char>();
};

class WebSocketStream final : public Stream {
 public:
  explicit WebSocketStream(std::unique_ptr<WebSocket> socket) : socket_(std::move(socket)) {}

  void start(Events events) override {
    auto shared = std::make_shared<Events>(std::move(events));
    socket_->start({.on_message =
                        [shared](bool, std::string_view message) {
                          const auto kept = shared;
                          if (!message.empty() && kept->on_data) kept->on_data(message);
                        },
                    .on_drained =
                        [shared] {
                          const auto kept = shared;
                          if (kept->on_drained) kept->on_drained();
                        },
                    .on_closed =
                        [shared](int, std::string_view) {
                          const auto kept = shared;
                          if (kept->on_closed) kept->on_closed();
                        }});
  }

  void write(std::string_view bytes) override { socket_->send_binary(bytes); }
  std::size_t unsent_bytes() const override { return socket_->unsent_bytes(); }
  void pause_reading(bool paused) override { socket_->pause_reading(paused); }
  void end() override { socket_->close(1000); }
  void close() override { socket_->close(1000); }
  io::Loop& loop() override { return socket_->loop(); }

 private:
  const std::unique_ptr<WebSocket> socket_;
};

std::vector<std::string_view> requested_protocols(const Request& request) {
  std::vector<std::string_view> protocols;
  for (const auto value : request.headers.get_all("sec-websocket-protocol")) {
    for (const auto part : split(value, ',')) protocols.push_back(trim(part));
  }
  return protocols;
}

}  // namespace

bool is_websocket_request(const Request& request) {
  return request.method == "GET" && request.headers.has_token("connection", "upgrade") &&
         request.headers.has_token("upgrade", "websocket");
}

std::string websocket_accept_key(std::string_view key) {
  return base64_encode(sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
}

Result<WebSocketHandshake> websocket_handshake(const Request& request,
                                               const std::vector<std::string_view>& supported) {
  if (!is_websocket_request(request)) return errors::bad_request("not a WebSocket upgrade");
  if (request.headers.get("sec-websocket-version") != "13") {
    return errors::bad_request("unsupported WebSocket version");
  }
  const auto key = request.headers.get("sec-websocket-key");
  const auto nonce = base64_decode(key);
  if (!nonce || nonce->size() != 16) return errors::bad_request("malformed Sec-WebSocket-Key");
  WebSocketHandshake handshake;
  handshake.headers.add("upgrade", "websocket");
  handshake.headers.add("connection", "Upgrade");
  handshake.headers.add("sec-websocket-accept", websocket_accept_key(key));
  const auto wanted = requested_protocols(request);
  if (wanted.empty() || supported.empty()) return handshake;
  const auto found = std::ranges::find_first_of(wanted, supported);
  if (found == wanted.end()) {
    Error error =
        errors::bad_request("none of the requested WebSocket protocols is supported").error();
    error.code = 403;
    error.reason = "Forbidden";
    return std::unexpected(std::move(error));
  }
  handshake.protocol = std::string(*found);
  handshake.headers.add("sec-websocket-protocol", handshake.protocol);
  return handshake;
}

std::unique_ptr<WebSocket> WebSocket::create(std::unique_ptr<Stream> stream, Role role,
                                             std::size_t max_message_bytes) {
  return std::make_unique<WebSocketImpl>(std::move(stream), role, max_message_bytes);
}

std::unique_ptr<Stream> stream_over(std::unique_ptr<WebSocket> socket) {
  return std::make_unique<WebSocketStream>(std::move(socket));
}

}  // namespace pinnace::net
