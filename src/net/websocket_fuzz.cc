#include "base/assert.h"
#include "net/internal/websocket_frames.h"

// However the bytes are cut, the same messages come out, and none is larger than the bound.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::net::internal;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool masks = (data[0] & 1) != 0;
  const std::size_t step = 1 + (data[0] >> 1);
  WebSocketParser whole(masks, 4096), pieces(masks, 4096);
  std::string from_whole, from_pieces;
  const auto drain = [](WebSocketParser& parser, std::string& out) {
    while (auto message = parser.next()) {
      PINNACE_ASSERT(message->payload.size() <= 4096);
      if (message->opcode == WebSocketOpcode::kClose) (void)parse_websocket_close(message->payload);
      out += message->payload;
      out += static_cast<char>(message->opcode);
    }
  };
  whole.feed(bytes);
  drain(whole, from_whole);
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    pieces.feed(bytes.substr(at, step));
    drain(pieces, from_pieces);
  }
  PINNACE_ASSERT(from_whole == from_pieces);
  PINNACE_ASSERT(whole.failure() == pieces.failure());
  return 0;
}
