#include "net/internal/websocket_frames.h"

#include <utility>

#include "base/strings.h"

namespace pinnace::net::internal {
namespace {

constexpr std::size_t kMaxControlBytes = 125;
constexpr int kProtocolError = 1002, kInvalidPayload = 1007, kTooBig = 1009;

bool is_control(WebSocketOpcode opcode) { return static_cast<int>(opcode) >= 8; }

bool is_known(WebSocketOpcode opcode) {
  const auto number = static_cast<int>(opcode);
  return number <= 2 || (number >= 8 && number <= 10);
}

std::uint64_t read_number(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

}  // namespace

void WebSocketParser::feed(std::string_view bytes) {
  if (failure_ != 0) return;
  in_.erase(0, at_);
  at_ = 0;
  in_.append(bytes);
}

std::optional<WebSocketParser::Message> WebSocketParser::fail(int code) {
  failure_ = code;
  in_.clear();
  at_ = 0;
  return std::nullopt;
}

std::optional<WebSocketParser::Head> WebSocketParser::read_head() {
  const std::string_view rest = std::string_view(in_).substr(at_);
  if (rest.size() < 2) return std::nullopt;
  const auto first = static_cast<unsigned char>(rest[0]);
  const auto second = static_cast<unsigned char>(rest[1]);
  Head head;
  head.fin = (first & 0x80) != 0;
  head.opcode = static_cast<WebSocketOpcode>(first & 0x0f);
  const bool masked = (second & 0x80) != 0;
  if ((first & 0x70) != 0 || masked != peer_masks_) {
    fail(kProtocolError);
    return std::nullopt;
  }
  const std::size_t short_size = second & 0x7f;
  const std::size_t extra = short_size == 127 ? 8 : short_size == 126 ? 2 : 0;
  head.size = 2 + extra + (masked ? 4 : 0);
  if (rest.size() < head.size) return std::nullopt;
  const std::uint64_t payload = extra == 0 ? short_size : read_number(rest.substr(2, extra));
  if (payload > max_message_bytes_) {
    fail(kTooBig);
    return std::nullopt;
  }
  head.payload = static_cast<std::size_t>(payload);
  if (masked) rest.copy(head.mask.data(), 4, 2 + extra);
  return head;
}

bool WebSocketParser::is_allowed(const Head& head) const {
  if (!is_known(head.opcode)) return false;
  if (is_control(head.opcode)) return head.fin && head.payload <= kMaxControlBytes;
  return (head.opcode == WebSocketOpcode::kContinuation) == in_message_;
}

std::optional<WebSocketParser::Message> WebSocketParser::next() {
  while (failure_ == 0) {
    const auto head = read_head();
    if (!head) return std::nullopt;
    if (!is_allowed(*head)) return fail(kProtocolError);
    if (in_.size() - at_ - head->size < head->payload) return std::nullopt;
    std::string payload = in_.substr(at_ + head->size, head->payload);
    at_ += head->size + head->payload;
    if (peer_masks_) apply_websocket_mask(payload, 0, head->mask);
    if (is_control(head->opcode)) return Message{head->opcode, std::move(payload)};

    if (!in_message_) message_ = Message{head->opcode, {}};
    if (message_.payload.size() + payload.size() > max_message_bytes_) return fail(kTooBig);
    if (message_.payload.empty())
      message_.payload = std::move(payload);
    else
      message_.payload += payload;
    in_message_ = !head->fin;
    if (!head->fin) continue;
    if (message_.opcode == WebSocketOpcode::kText && !is_valid_utf8(message_.payload)) {
      return fail(kInvalidPayload);
    }
    return std::exchange(message_, {});
  }
  return std::nullopt;
}

std::string websocket_frame_head(WebSocketOpcode opcode, std::size_t payload_bytes,
                                 const std::array<char, 4>* mask) {
  std::string head(1, static_cast<char>(0x80 | static_cast<int>(opcode)));
  const int mask_bit = mask != nullptr ? 0x80 : 0;
  const int length_bytes = payload_bytes > 0xffff ? 8 : payload_bytes > kMaxControlBytes ? 2 : 0;
  const int marker = length_bytes == 8   ? 127
                     : length_bytes == 2 ? 126
                                         : static_cast<int>(payload_bytes);
  head += static_cast<char>(mask_bit | marker);
  for (int i = length_bytes - 1; i >= 0; --i) {
    head += static_cast<char>(static_cast<std::uint64_t>(payload_bytes) >> (8 * i));
  }
  if (mask != nullptr) head.append(mask->data(), mask->size());
  return head;
}

void apply_websocket_mask(std::string& bytes, std::size_t from, const std::array<char, 4>& mask) {
  for (std::size_t i = from; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ mask[(i - from) % 4]);
  }
}

std::optional<WebSocketClose> parse_websocket_close(std::string_view payload) {
  WebSocketClose close;
  if (payload.empty()) return close;
  if (payload.size() < 2) return std::nullopt;
  close.code = static_cast<int>(read_number(payload.substr(0, 2)));
  close.reason = std::string(payload.substr(2));
  const bool is_reserved = close.code < 1000 || close.code > 4999 ||
                           (close.code >= 1004 && close.code <= 1006) ||
                           (close.code >= 1015 && close.code < 3000);
  if (is_reserved || !is_valid_utf8(close.reason)) return std::nullopt;
  return close;
}

}  // namespace pinnace::net::internal
