// WebSocket frames: bytes to whole messages and back, without a connection.
//
// Bounds: a message of more than `max_message_bytes` fails with 1009; a control frame has at most
//   125 bytes. At most one message and one read are kept.
// Source: RFC 6455, sections 5 and 7.4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pinnace::net::internal {

enum class WebSocketOpcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

class WebSocketParser {
 public:
  struct Message {
    WebSocketOpcode opcode = WebSocketOpcode::kBinary;
    std::string payload;
  };

  // Clients mask what they send and servers do not; anything else is an error.
  WebSocketParser(bool peer_masks, std::size_t max_message_bytes)
      : peer_masks_(peer_masks), max_message_bytes_(max_message_bytes) {}

  void feed(std::string_view bytes);
  // The next whole message; nothing when more bytes are needed or after a failure.
  std::optional<Message> next();
  // The close code for what was wrong; 0 if nothing was.
  int failure() const { return failure_; }

 private:
  struct Head {
    bool fin = false;
    WebSocketOpcode opcode = WebSocketOpcode::kBinary;
    std::size_t size = 0, payload = 0;  // Bytes of the head, and of what follows.
    std::array<char, 4> mask{};
  };
  std::optional<Head> read_head();
  bool is_allowed(const Head& head) const;
  std::optional<Message> fail(int code);

  const bool peer_masks_;
  const std::size_t max_message_bytes_;
  std::string in_;
  std::size_t at_ = 0;  // Where the next frame begins in `in_`.
  bool in_message_ = false;
  Message message_;  // What is being put together from fragments.
  int failure_ = 0;
};

// The head of a whole message's single frame.
std::string websocket_frame_head(WebSocketOpcode opcode, std::size_t payload_bytes,
                                 const std::array<char, 4>* mask);
void apply_websocket_mask(std::string& bytes, std::size_t from, const std::array<char, 4>& mask);

// The code and reason of a close frame: 1005 when it has none; nothing when it is malformed.
struct WebSocketClose {
  int code = 1005;
  std::string reason;
};
std::optional<WebSocketClose> parse_websocket_close(std::string_view payload);

}  // namespace pinnace::net::internal
