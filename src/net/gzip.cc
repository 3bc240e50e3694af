#include "net/gzip.h"

#include <zlib.h>

#include <array>

#include "base/assert.h"
#include "base/strings.h"

namespace pinnace::net {
namespace {

constexpr int kGzipWindow = 15 + 16;  // The largest window, in gzip's own frame.
constexpr int kMemoryLevel = 8;
constexpr std::size_t kBufferBytes = 64 << 10;

class Deflater {
 public:
  Deflater() {
    const int made = deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                                  Z_DEFAULT_STRATEGY);
    PINNACE_ASSERT(made == Z_OK);  // It fails for want of memory only.
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void give(std::string_view bytes) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
  }
  bool is_hungry() const { return stream_.avail_in == 0; }
  // Fills `out`; says how much of it. `flush` as zlib has it.
  std::size_t take(std::span<char> out, int flush, bool& ended) {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    ended = deflate(&stream_, flush) == Z_STREAM_END;
    return out.size() - stream_.avail_out;
  }

 private:
  z_stream stream_{};
};

class GzipBody final : public Body {
 public:
  explicit GzipBody(std::unique_ptr<Body> plain) : plain_(std::move(plain)) {}

  Read read(std::span<char> buffer) override {
    std::size_t filled = 0;
    while (filled < buffer.size()) {
      if (ended_) return {filled, State::kEnd};
      if (deflater_.is_hungry() && state_ != State::kEnd) {
        if (state_ == State::kFailed) return {filled, State::kFailed};
        const Read got = plain_->read(input_);
        state_ = got.state;
        deflater_.give({input_.data(), got.bytes});
        if (got.bytes == 0 && state_ == State::kWaiting) return {filled, State::kWaiting};
        if (state_ == State::kFailed) continue;
      }
      const bool is_last = state_ == State::kEnd;
      filled += deflater_.take(buffer.subspan(filled), is_last ? Z_FINISH : Z_NO_FLUSH, ended_);
    }
    return {filled, ended_ ? State::kEnd : State::kMore};
  }

 private:
  std::unique_ptr<Body> plain_;
  Deflater deflater_;
  std::array<char, kBufferBytes> input_;
  State state_ = State::kMore;
  bool ended_ = false;
};

}  // namespace

bool accepts_gzip(const Headers& headers) {
  for (std::string_view coding : split(headers.get("accept-encoding"), ',')) {
    const auto parts = split(coding, ';');
    if (!equal_ignoring_case(trim(parts[0]), "gzip")) continue;
    return parts.size() == 1 || trim(parts[1]) != "q=0";
  }
  return false;
}

std::string gzip(std::string_view bytes) {
  Deflater deflater;
  std::string out;
  bool ended = false;
  std::array<char, kBufferBytes> piece;
  // The counters of zlib are of 32 bits: no more than a part at once.
  constexpr std::size_t kPart = 1u << 30;
  do {
    const std::string_view part = bytes.substr(0, kPart);
    bytes.remove_prefix(part.size());
    deflater.give(part);
    do {
      const std::size_t made = deflater.take(piece, bytes.empty() ? Z_FINISH : Z_NO_FLUSH, ended);
      out.append(piece.data(), made);
    } while (bytes.empty() ? !ended : !deflater.is_hungry());
  } while (!ended);
  return out;
}

std::unique_ptr<Body> gzip_body(std::unique_ptr<Body> plain) {
  return std::make_unique<GzipBody>(std::move(plain));
}

}  // namespace pinnace::net
