// SPDY's frames: however the bytes are cut, the same ones come out, and headers that were read can be
// written.
// Input: a byte that says how the bytes are cut; with its first bit what follows is the block of
//   headers of one stream, before it is packed: zlib is not instrumented, so nothing would lead the
//   fuzzer to packed bytes that mean anything.
#include <zlib.h>

#include "base/assert.h"
#include "net/internal/spdy_frames.h"

namespace {

Bytef* zlib_bytes(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib does not write there.
}

// A stream's first frame, as a peer makes it.
std::string stream_with(std::string_view block) {
  z_stream state{};
  PINNACE_ASSERT(deflateInit(&state, Z_BEST_SPEED) == Z_OK);
  const std::string& words = pinnace::net::internal::spdy_dictionary();
  deflateSetDictionary(&state, zlib_bytes(words), static_cast<uInt>(words.size()));
  std::string packed(deflateBound(&state, block.size()) + 64, '\0');
  state.next_in = zlib_bytes(block);
  state.avail_in = static_cast<uInt>(block.size());
  state.next_out = zlib_bytes(packed);
  state.avail_out = static_cast<uInt>(packed.size());
  PINNACE_ASSERT(deflate(&state, Z_SYNC_FLUSH) == Z_OK && state.avail_in == 0);
  packed.resize(packed.size() - state.avail_out);
  deflateEnd(&state);
  const std::size_t size = 10 + packed.size();
  std::string frame("\x80\3\0\1\0", 5);
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(size >> shift);
  return frame.append("\0\0\0\1\0\0\0\0\0\0", 10).append(packed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::net::internal;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string bytes = (data[0] & 128) != 0 ? stream_with(text) : std::string(text);
  const std::size_t step = 1u + (data[0] & 127);
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
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    pieces.feed(std::string_view(bytes).substr(at, step));
    drain(pieces, from_pieces, false);
  }
  PINNACE_ASSERT(from_whole == from_pieces);
  PINNACE_ASSERT(whole.failed() == pieces.failed());
  return 0;
}
