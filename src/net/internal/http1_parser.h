// HTTP/1.1 heads and bodies, read strictly.
//
// Why strict: two readers of one request that disagree on where it ends are a hole (request
//   smuggling). So: CRLF only, no folded lines, one Content-Length of digits only,
//   Transfer-Encoding only as "chunked" and never with a Content-Length, no white space before a
//   colon.
// Threads: plain values. Bounds: the caller's `max_head_bytes`; 16 bytes for a chunk's size, chunk
//   extensions and trailers count against 4 KiB.
// Source: RFC 9112.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/http.h"

namespace pinnace::net::internal {

// How the end of a body is found.
enum class Framing { kNone, kLength, kChunked, kUntilClose };

struct HeadInfo {
  Framing framing = Framing::kNone;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  bool expects_continue = false;
};

// Where the head ends (after the empty line), or npos. `searched` remembers how far it looked.
std::size_t find_head_end(std::string_view bytes, std::size_t& searched);

// `head` ends with the empty line. 0 if it is good, else the status to answer, with the reason.
int parse_request_head(std::string_view head, Request& request, HeadInfo& info, const char*& why);

struct ParsedResponse {
  int status = 0;
  Headers headers;
};
// False if it is no HTTP/1 response. `to_head`: the request was HEAD.
bool parse_response_head(std::string_view head, bool to_head, ParsedResponse& response,
                         HeadInfo& info);

// Takes chunks apart, bytes as they come.
class ChunkDecoder {
 public:
  enum class State { kMore, kDone, kBad };
  // Appends what is body in `bytes` to `out` and says how many bytes it used.
  State feed(std::string_view bytes, std::size_t& used, std::string& out);

 private:
  enum class Phase {
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailer,
    kTrailerLf,
    kDone
  };
  Phase phase_ = Phase::kSize;
  std::uint64_t left_ = 0;
  int digits_ = 0;
  std::size_t extra_bytes_ = 0;
  std::size_t line_bytes_ = 0;
};

}  // namespace pinnace::net::internal
