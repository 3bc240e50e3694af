#include "net/spdy.h"

#include <gtest/gtest.h>

#include "net/internal/spdy_frames.h"
#include "net/testing_streams.h"

namespace pinnace::net {
namespace {

using internal::SpdyParser;
using internal::SpdyType;
using internal::SpdyWriter;
using testing::make_stream_pair;
using testing::TestLoop;

Headers headers_of(std::string_view type) {
  Headers headers;
  headers.add("streamType", type);
  return headers;
}

TEST(SpdyFrames, BeginWithTheDictionaryThatEveryPeerHas) {
  EXPECT_EQ(internal::spdy_dictionary().size(), 1423u);
  const std::string frame = SpdyWriter().syn_stream(1, headers_of("stdin"), false);
  // The head (18 bytes), zlib's two, and the Adler-32 of the dictionary.
  EXPECT_EQ(frame.substr(0, 4), std::string("\x80\x03\x00\x01", 4));
  EXPECT_EQ(frame.substr(20, 4), "\xe3\xc6\xa7\xc2");
}

TEST(SpdyFrames, ComeOutAsTheyWentInByteByByte) {
  SpdyWriter writer;
  Headers many = headers_of("error");
  many.add("requestid", "7");
  many.add("requestid", "8");
  // One after the other: the compressor goes on from frame to frame.
  std::string bytes = writer.syn_stream(1, headers_of("stdin"), false);
  bytes += writer.syn_stream(3, many, true);
  bytes += writer.syn_reply(1, {}, false);
  bytes += SpdyWriter::data_head(1, 3, true) + "abc" + SpdyWriter::ping(9) +
           SpdyWriter::reset(3, 5) + SpdyWriter::go_away(3, 1);
  SpdyParser parser;
  std::string log;
  for (const char c : bytes) {
    parser.feed(std::string_view(&c, 1));
    while (const auto frame = parser.next()) {
      log += std::to_string(static_cast<int>(frame->type)) + ":" +
             std::to_string(frame->stream_id) + ":" + std::to_string(frame->value) +
             (frame->fin ? "f" : "");
      for (const auto& [name, value] : frame->headers.all()) log += " " + name + "=" + value;
      log += " " + std::string(frame->data) + "\n";
    }
  }
  EXPECT_FALSE(parser.failed());
  EXPECT_EQ(log,
            "1:1:0 streamtype=stdin \n"
            "1:3:0f streamtype=error requestid=7 requestid=8 \n"
            "2:1:0 \n"
            "0:1:0 a\n0:1:0 b\n0:1:0f c\n"
            "6:0:9 \n3:3:5 \n7:3:1 \n");
}

bool fails(std::string_view bytes) {
  SpdyParser parser;
  parser.feed(bytes);
  while (parser.next()) {
  }
  return parser.failed();
}

TEST(SpdyFrames, RefuseOtherVersionsLargeFramesAndBadHeaders) {
  std::string frame = SpdyWriter().syn_stream(1, headers_of("x"), false);
  EXPECT_FALSE(fails(frame));
  EXPECT_TRUE(fails(std::string("\x80\x02\x00\x01\x00\x00\x00\x00", 8)));
  EXPECT_TRUE(fails(std::string("\x80\x03\x00\x01\x00\x02\x00\x00", 8)));
  frame[25] = static_cast<char>(~frame[25]);
  EXPECT_TRUE(fails(frame));
  // 200 KB of headers in a few hundred bytes.
  Headers bomb;
  bomb.add("x", std::string(200 << 10, 'a'));
  const std::string packed = SpdyWriter().syn_stream(1, bomb, false);
  EXPECT_LT(packed.size(), 4096u);
  EXPECT_TRUE(fails(packed));
  // Each of 8,000 empty values would have the long name beside it: 64 MB.
  Headers many;
  const std::string long_name(8000, 'n');
  for (int i = 0; i < 8000; ++i) many.add(long_name, "");
  EXPECT_TRUE(fails(SpdyWriter().syn_stream(1, many, false)));
}

// Two sessions over one connection; the server answers each stream by its type.
struct SpdyTest : ::testing::Test {
  void SetUp() override {
    loop.run([this] {
      auto pair = make_stream_pair(loop.loop());
      server = SpdySession::create(std::move(pair.a), SpdySession::Role::kServer);
      client = SpdySession::create(std::move(pair.b), SpdySession::Role::kClient);
      server->start({.on_stream = [this](std::shared_ptr<SpdyStream> stream) { serve(stream); },
                     .on_drained = {},
                     .on_closed = [this] { server_closed = true; }});
      client->start({.on_stream = {}, .on_drained = {}, .on_closed = [this] { closed = true; }});
    });
  }
  void TearDown() override {
    loop.run([this] {
      served.clear();
      client.reset();
      server.reset();
    });
  }

  void serve(const std::shared_ptr<SpdyStream>& stream) {
    served.push_back(stream);
    if (stream->headers().get("streamtype") == "refuse") return stream->reset(SpdyStream::kRefused);
    stream->reply();
    auto* raw = stream.get();
    stream->start({.on_data = [raw](std::string_view bytes) { raw->write(bytes); },
                   .on_end = [raw] { raw->end(); },
                   .on_reply = {},
                   .on_reset = {}});
  }

  std::shared_ptr<SpdyStream> open(std::string_view type, std::string& log) {
    auto stream = client->open(headers_of(type));
    stream->start(
        {.on_data = [&log](std::string_view bytes) { log.append(bytes); },
         .on_end = [&log] { log += "|end"; },
         .on_reply = [&log](const Headers&) { log += "reply|"; },
         .on_reset = [&log](std::uint32_t status) { log += "|reset " + std::to_string(status); }});
    return stream;
  }

  TestLoop loop;
  std::unique_ptr<SpdySession> server, client;
  std::vector<std::shared_ptr<SpdyStream>> served;
  bool closed = false, server_closed = false;
};

TEST_F(SpdyTest, StreamsAreApartAndEndEachForItself) {
  std::string one, two;
  std::shared_ptr<SpdyStream> first, second;
  loop.run([&] {
    first = open("echo", one);
    second = open("echo", two);
    first->write("1");
    second->write("2");
    first->write("1");
    first->end();
    client->ping();
  });
  EXPECT_TRUE(loop.wait([&] { return one == "reply|11|end" && two == "reply|2"; }));
  loop.run([&] {
    EXPECT_TRUE(first->is_closed());
    EXPECT_FALSE(second->is_closed());
    second->write("more");
  });
  EXPECT_TRUE(loop.wait([&] { return two == "reply|2more"; }));
}

TEST_F(SpdyTest, TellsAStreamThatItWasRefused) {
  std::string log;
  loop.run([&] { open("refuse", log); });
  EXPECT_TRUE(loop.wait([&] { return log == "|reset 3"; }));
}

TEST_F(SpdyTest, CloseEndsStreamsAndThenTheSession) {
  std::string log;
  loop.run([&] { open("echo", log); });
  EXPECT_TRUE(loop.wait([&] { return log == "reply|"; }));
  loop.run([&] { server->close(); });
  EXPECT_TRUE(loop.wait([&] { return closed && server_closed; }));
  EXPECT_EQ(log, "reply||reset 5");
  loop.run([&] { EXPECT_EQ(client->open(headers_of("echo")), nullptr); });
}

TEST_F(SpdyTest, KeepsWhatCameBeforeStart) {
  std::string log;
  std::shared_ptr<SpdyStream> theirs;
  loop.run([&] {
    client->start({.on_stream = [&](std::shared_ptr<SpdyStream> stream) { theirs = stream; },
                   .on_drained = {},
                   .on_closed = {}});
    auto ours = server->open(headers_of("push"));
    ours->write("early");
    ours->end();
  });
  EXPECT_TRUE(loop.wait([&] { return theirs != nullptr; }));
  loop.run([&] {
    theirs->start({.on_data = [&](std::string_view bytes) { log.append(bytes); },
                   .on_end = [&] { log += "|end"; },
                   .on_reply = {},
                   .on_reset = {}});
  });
  EXPECT_TRUE(loop.wait([&] { return log == "early|end"; }));
  loop.run([&] { theirs.reset(); });
}

TEST_F(SpdyTest, ManyBytesWaitForAReaderThatPauses) {
  std::string log;
  const std::string block(1 << 20, 'x');
  std::shared_ptr<SpdyStream> stream;
  loop.run([&] {
    stream = open("echo", log);
    server->pause_reading(true);
    for (int i = 0; i < 4; ++i) stream->write(block);
    EXPECT_GT(client->unsent_bytes(), 1u << 20);
    server->pause_reading(false);
    stream->end();
  });
  EXPECT_TRUE(loop.wait([&] { return log.size() == 4 * block.size() + 10; }));
}

TEST_F(SpdyTest, APeerThatTakesNoAnswersEndsTheSession) {
  std::unique_ptr<SpdySession> asked;
  std::unique_ptr<Stream> deaf;
  bool over = false;
  std::string pings;
  for (std::uint32_t id = 1; id < 200'000; id += 2) pings += SpdyWriter::ping(id);
  loop.run([&] {
    auto pair = make_stream_pair(loop.loop());
    deaf = std::move(pair.b);
    asked = SpdySession::create(std::move(pair.a), SpdySession::Role::kServer);
    asked->start({.on_stream = {}, .on_drained = {}, .on_closed = [&] { over = true; }});
    for (int i = 0; i < 4; ++i) deaf->write(pings);
  });
  EXPECT_TRUE(loop.wait([&] { return over; }));
  loop.run([&] {
    EXPECT_LT(asked->unsent_bytes(), 2u << 20);
    asked.reset();
    deaf.reset();
  });
}

}  // namespace
}  // namespace pinnace::net
