// Heads and chunks of anybody: however the bytes are cut, the same comes out, and what was read as
// a request has nothing that a second reader could take for the beginning of another one.
#include "base/assert.h"
#include "net/http_client.h"
#include "net/internal/http1_parser.h"

namespace {

using namespace pinnace::net;
using namespace pinnace::net::internal;

void fuzz_heads(std::string_view bytes, std::size_t step) {
  std::size_t searched = 0, searched_in_pieces = 0, found = std::string_view::npos;
  const std::size_t end = find_head_end(bytes, searched);
  for (std::size_t size = 0; size < bytes.size() && found == std::string_view::npos;) {
    size = std::min(bytes.size(), size + step);
    found = find_head_end(bytes.substr(0, size), searched_in_pieces);
  }
  PINNACE_ASSERT(found == end);
  if (end == std::string_view::npos) return;
  const std::string_view head = bytes.substr(0, end);
  Request request;
  HeadInfo info;
  const char* why = nullptr;
  const int status = parse_request_head(head, request, info, why);
  PINNACE_ASSERT(status == 0 || (status >= 400 && status < 600 && why != nullptr));
  if (status == 0) {
    for (const auto& [name, value] : request.headers.all()) {
      PINNACE_ASSERT(name.find_first_of("\r\n: ") == std::string::npos);
      PINNACE_ASSERT(value.find_first_of("\r\n") == std::string::npos);
    }
    PINNACE_ASSERT(request.target.find_first_of("\r\n ") == std::string::npos);
    PINNACE_ASSERT(info.framing != Framing::kUntilClose);
  }
  ParsedResponse response;
  (void)parse_response_head(head, (step & 1) != 0, response, info);
}

void fuzz_chunks(std::string_view bytes, std::size_t step) {
  ChunkDecoder whole, pieces;
  std::string from_whole, from_pieces;
  std::size_t used = 0, used_in_pieces = 0;
  const auto outcome = whole.feed(bytes, used, from_whole);
  PINNACE_ASSERT(used <= bytes.size() && from_whole.size() <= bytes.size());
  auto state = ChunkDecoder::State::kMore;
  for (std::size_t at = 0; at < bytes.size() && state == ChunkDecoder::State::kMore; at += step) {
    const std::string_view piece = bytes.substr(at, step);
    std::size_t taken = 0;
    state = pieces.feed(piece, taken, from_pieces);
    PINNACE_ASSERT(state != ChunkDecoder::State::kMore || taken == piece.size());
    used_in_pieces += taken;
  }
  PINNACE_ASSERT(bytes.empty() || state == outcome);
  if (outcome == ChunkDecoder::State::kBad) return;
  PINNACE_ASSERT(from_whole == from_pieces && used == used_in_pieces);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t step = 1u + (data[0] >> 1);
  if ((data[0] & 1) != 0) {
    fuzz_chunks(bytes, step);
  } else {
    fuzz_heads(bytes, step);
    (void)parse_url(bytes);
  }
  return 0;
}
