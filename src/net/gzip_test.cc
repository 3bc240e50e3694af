#include "net/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>

namespace pinnace::net {
namespace {

std::string unzipped(std::string_view bytes) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  int state = Z_OK;
  while (state == Z_OK) {
    char piece[1000];
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, sizeof piece - stream.avail_out);
  }
  EXPECT_EQ(state, Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u);
  inflateEnd(&stream);
  return out;
}

std::string some_text(std::size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) text += "object-" + std::to_string(i * 7919) + ",";
  text.resize(bytes);
  return text;
}

// Gives its text in pieces, waits once in the middle, and ends or fails.
class Pieces : public Body {
 public:
  Pieces(std::string text, State last) : text_(std::move(text)), last_(last) {}
  Read read(std::span<char> buffer) override {
    if (at_ >= text_.size() / 2 && !waited_) {
      waited_ = true;
      return {0, State::kWaiting};
    }
    const std::size_t count = std::min({buffer.size(), text_.size() - at_, std::size_t(777)});
    std::memcpy(buffer.data(), text_.data() + at_, count);
    at_ += count;
    return {count, at_ == text_.size() ? last_ : State::kMore};
  }

 private:
  std::string text_;
  State last_;
  std::size_t at_ = 0;
  bool waited_ = false;
};

TEST(Gzip, ComesBackAsItWas) {
  for (const std::size_t bytes : {0u, 1u, 1000u, 300'000u}) {
    const std::string text = some_text(bytes);
    EXPECT_EQ(unzipped(gzip(text)), text);
  }
}

TEST(Gzip, BodiesAreCompressedAsTheyCome) {
  const std::string text = some_text(200'000);
  const auto body = gzip_body(std::make_unique<Pieces>(text, Body::State::kEnd));
  std::string sent;
  int waits = 0;
  for (;;) {
    char buffer[509];
    const auto read = body->read(buffer);
    sent.append(buffer, read.bytes);
    if (read.state == Body::State::kEnd) break;
    ASSERT_NE(read.state, Body::State::kFailed);
    waits += read.state == Body::State::kWaiting;
  }
  EXPECT_EQ(waits, 1);
  EXPECT_LT(sent.size(), text.size() / 2);
  EXPECT_EQ(unzipped(sent), text);
}

TEST(Gzip, ABodyThatFailsStaysAFailure) {
  const auto body = gzip_body(std::make_unique<Pieces>(some_text(5000), Body::State::kFailed));
  for (int i = 0; i < 100; ++i) {
    char buffer[1024];
    const auto state = body->read(buffer).state;
    ASSERT_NE(state, Body::State::kEnd);
    if (state == Body::State::kFailed) return;
  }
  FAIL() << "it never failed";
}

TEST(Gzip, IsSentToThoseWhoTakeIt) {
  const auto accepts = [](std::string_view value) {
    Headers headers;
    headers.add("accept-encoding", value);
    return accepts_gzip(headers);
  };
  EXPECT_TRUE(accepts("gzip"));
  EXPECT_TRUE(accepts("deflate, GZip;q=0.5"));
  EXPECT_FALSE(accepts("gzip;q=0"));
  EXPECT_FALSE(accepts("identity"));
  EXPECT_FALSE(accepts(""));
}

}  // namespace
}  // namespace pinnace::net
