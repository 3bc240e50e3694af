// SPDY/3.1 frames: bytes to frames and back, without a connection.
//
// Header blocks of one direction share one compressor, so they are read in order, refused or not.
// Threads: one at a time.
// Bounds: a control frame has at most 64 KiB, its headers at most 64 KiB when they are unpacked and
//   again when each value has its name; more fails. The bytes of data frames are passed on as they
//   come.
// Source: SPDY Protocol, Draft 3.1, section 2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace pinnace::net::internal {

inline constexpr std::uint32_t kSpdyMaxStreamId = 0x7fffffff;

enum class SpdyType : std::uint16_t {
  kData = 0,  // Not on the wire: data frames have no type.
  kSynStream = 1,
  kSynReply = 2,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kHeaders = 8,
  kWindowUpdate = 9,
};

struct SpdyFrame {
  SpdyType type = SpdyType::kData;
  std::uint32_t stream_id = 0;
  std::uint32_t value = 0;  // The status of a reset or GOAWAY; the id of a ping.
  bool fin = false;         // On a data frame's last piece only.
  Headers headers;
  std::string_view data;  // Until the next call of `next` or `feed`.
};

class SpdyParser {
 public:
  SpdyParser();
  ~SpdyParser();
  void feed(std::string_view bytes);
  // The next frame, or the next piece of one that carries data; nothing when more bytes are needed
  // or after a failure. Frames of types that nobody here uses are left out.
  std::optional<SpdyFrame> next();
  bool failed() const { return failed_; }

 private:
  class Inflater;
  std::optional<SpdyFrame> data_piece();
  // False when the frame is malformed.
  bool read_control(std::uint16_t type, bool fin, std::string_view body, SpdyFrame& frame);
  bool read_headers(std::string_view block, Headers& headers);

  std::string in_;
  std::size_t at_ = 0;
  std::size_t data_left_ = 0;  // Of the data frame under way.
  SpdyFrame data_;
  bool in_data_ = false, failed_ = false;
  std::unique_ptr<Inflater> inflater_;
};

class SpdyWriter {
 public:
  SpdyWriter();
  ~SpdyWriter();
  std::string syn_stream(std::uint32_t id, const Headers& headers, bool fin);
  std::string syn_reply(std::uint32_t id, const Headers& headers, bool fin);
  static std::string data_head(std::uint32_t id, std::size_t bytes, bool fin);
  static std::string reset(std::uint32_t id, std::uint32_t status);
  static std::string ping(std::uint32_t id);
  static std::string go_away(std::uint32_t last_id, std::uint32_t status);

 private:
  class Deflater;
  std::string block(const Headers& headers);
  std::unique_ptr<Deflater> deflater_;
};

// What SPDY/3's compressors begin with: 1,423 bytes.
const std::string& spdy_dictionary();

}  // namespace pinnace::net::internal
