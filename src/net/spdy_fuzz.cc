#include "base/assert.h"
#include "net/internal/spdy_frames.h"

// However the bytes are cut, the same frames come out, and headers that were read can be written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::net::internal;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  SpdyParser whole, pieces;
  SpdyWriter writer;
  SpdyParser reader;
  std::string from_whole, from_pieces;
  const auto drain = [&](SpdyParser& parser, std::string& out, bool write_again) {
    while (auto frame = parser.next()) {
      out.append(frame->data);
      if (frame->type != SpdyType::kData) out += static_cast<char>(frame->type);
      if (!write_again || frame->type != SpdyType::kSynStream) continue;
      std::size_t header_bytes = 0;
      for (const auto& [name, value] : frame->headers.all())
        header_bytes += name.size() + value.size() + 8;
      if (header_bytes > 32 << 10) continue;
      reader.feed(writer.syn_stream(frame->stream_id, frame->headers, frame->fin));
      const auto again = reader.next();
      PINNACE_ASSERT(again && again->headers.all().size() == frame->headers.all().size());
    }
  };
  whole.feed(bytes);
  drain(whole, from_whole, true);
  for (std::size_t at = 0; at < bytes.size(); at += 1u + data[0]) {
    pieces.feed(bytes.substr(at, 1u + data[0]));
    drain(pieces, from_pieces, false);
  }
  PINNACE_ASSERT(from_whole == from_pieces);
  PINNACE_ASSERT(whole.failed() == pieces.failed());
  return 0;
}
