#include "apiserver/registry/watch_socket.h"

#include <algorithm>
#include <cstring>

#include "net/testing_streams.h"

namespace pinnace::apiserver {
namespace {

using net::testing::make_stream_pair;
using net::testing::TestLoop;

// Gives what it was told, then waits or ends.
class Told : public net::Body {
 public:
  Read read(std::span<char> buffer) override {
    const std::size_t count = std::min(buffer.size(), text.size());
    std::memcpy(buffer.data(), text.data(), count);
    text.erase(0, count);
    if (!text.empty()) return {count, State::kMore};
    return {count, ended ? State::kEnd : State::kWaiting};
  }
  std::string text;
  bool ended = false;
};

// A watch and the client that follows it.
class Session {
 public:
  explicit Session(bool is_binary) {
    loop_.run([this, is_binary] {
      auto pair = make_stream_pair(loop_.loop());
      client_ = net::WebSocket::create(std::move(pair.a), net::WebSocket::Role::kClient);
      client_->start({.on_message =
                          [this](bool text, std::string_view message) {
                            got.push_back((text ? "t:" : "b:") + std::string(message));
                          },
                      .on_drained = {},
                      .on_closed = [this](int code, std::string_view) { closed_with = code; }});
      socket_ = std::make_shared<WatchSocket>(loop_.loop());
      auto body = std::make_unique<Told>();
      body_ = body.get();
      socket_->start(net::WebSocket::create(std::move(pair.b)), std::move(body), is_binary);
    });
  }
  ~Session() {
    loop_.run([this] { client_.reset(); });
    EXPECT_TRUE(loop_.wait([this] { return socket_.use_count() == 1; }));
  }

  void tell(const std::string& text, bool ends = false) {
    loop_.run([&] {
      body_->text += text;
      body_->ended = ends;
    });
    socket_->wake();
  }
  bool wait_for(std::size_t messages) {
    return loop_.wait([&] { return got.size() >= messages; });
  }
  bool wait_for_close() {
    return loop_.wait([this] { return closed_with != 0; });
  }

  std::vector<std::string> got;
  int closed_with = 0;

 private:
  TestLoop loop_;
  std::unique_ptr<net::WebSocket> client_;
  std::shared_ptr<WatchSocket> socket_;
  Told* body_ = nullptr;
};

TEST(WatchSocket, SendsEachLineAsATextMessage) {
  Session session(false);
  session.tell("{\"type\":\"ADDED\"}\n{\"type\":");
  ASSERT_TRUE(session.wait_for(1));
  session.tell("\"MODIFIED\"}\n", true);
  ASSERT_TRUE(session.wait_for_close());
  EXPECT_EQ(session.got,
            (std::vector<std::string>{"t:{\"type\":\"ADDED\"}", "t:{\"type\":\"MODIFIED\"}"}));
  EXPECT_EQ(session.closed_with, 1000);
}

TEST(WatchSocket, SendsEachProtobufEventAsABinaryMessage) {
  using namespace std::string_literals;
  Session session(true);
  session.tell("\0\0\0\3abc\0\0"s);
  session.tell("\0\1x"s);
  ASSERT_TRUE(session.wait_for(2));
  EXPECT_EQ(session.got, (std::vector<std::string>{"b:abc", "b:x"}));
}

TEST(WatchSocket, GoesWhenTheClientGoes) { Session session(false); }

}  // namespace
}  // namespace pinnace::apiserver
