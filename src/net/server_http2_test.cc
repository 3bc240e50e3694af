// With curl as the client, because a client of our own could share our mistakes.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "io/process.h"
#include "net/testing_server.h"

namespace pinnace::net {
namespace {

using namespace testing;  // NOLINT: test helpers.

class Http2Server : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/http2.XXXXXX";
    dir_ = mkdtemp(pattern.data());
    const TestCertificates& certificates = test_certificates();
    write("ca", certificates.authority.certificate_pem);
    write("alice.crt", certificates.client.certificate_pem);
    write("alice.key", certificates.client.private_key_pem);
    write("stranger.crt", certificates.stranger.certificate_pem);
    write("stranger.key", certificates.stranger.private_key_pem);
  }
  void TearDown() override { EXPECT_TRUE(io::remove_tree(dir_)); }

  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(io::write_file_atomic(dir_ + "/" + name, text, 0600));
  }
  std::string url(std::string_view path) {
    return "https://127.0.0.1:" + std::to_string(server_->port()) + std::string(path);
  }
  std::string curl(std::vector<std::string> arguments) {
    io::SpawnOptions options;
    options.argv = {"curl", "-sS", "--noproxy", "*", "--http2", "--cacert", dir_ + "/ca"};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    auto result = io::run(options, std::chrono::seconds(60), "", 64 << 20);
    if (!result) return result.error().message;
    return result->output + result->error_output;
  }

  std::string dir_;
  TestHandler handler_;
  std::unique_ptr<Server> server_ = start_server(handler_, true);
};

TEST_F(Http2Server, AnswersOverHttp2) {
  EXPECT_EQ(curl({url("/hello"), "-w", " %{http_version} %{http_code}"}), "hello 2 200");
  EXPECT_EQ(curl({url("/thread")}), "late");
  EXPECT_EQ(curl({url("/head?x=1"), "-H", "X-A: yes"}), "GET /head?x=1 yes");
  EXPECT_EQ(curl({"-I", url("/hello"), "-o", "/dev/null", "-w", "%{http_code}"}), "200");
  EXPECT_EQ(curl({url("/drop"), "-o", "/dev/null", "-w", "%{http_code}"}), "500");
  EXPECT_EQ(curl({"--http1.1", url("/hello"), "-w", " %{http_version}"}), "hello 1.1");
}

TEST_F(Http2Server, KnowsWhoHasACertificate) {
  auto with = [&](const std::string& name) {
    return curl(
        {url("/who"), "--cert", dir_ + "/" + name + ".crt", "--key", dir_ + "/" + name + ".key"});
  };
  EXPECT_EQ(with("alice"), "alice|a,b|");
  EXPECT_EQ(curl({url("/who")}), "||");
  std::string stranger = with("stranger");
  EXPECT_TRUE(stranger.starts_with("||unable to ")) << stranger;
}

TEST_F(Http2Server, MovesLargeBodiesBothWays) {
  std::string large(2 << 20, 'q');
  write("body", large);
  EXPECT_EQ(curl({url("/echo"), "--data-binary", "@" + dir_ + "/body"}), large);
  EXPECT_EQ(curl({url("/large"), "-o", "/dev/null", "-w", "%{size_download}"}), "20971520");
  EXPECT_EQ(curl({url("/stream?7000000"), "-o", "/dev/null", "-w", "%{size_download}"}), "7000000");
  EXPECT_EQ(curl({url("/stream?3000000"), "--limit-rate", "4M", "-o", "/dev/null", "-w",
                  "%{size_download}"}),
            "3000000");
}

TEST_F(Http2Server, TakesHeadersThatEndWithASpace) {
  EXPECT_EQ(curl({url("/hello"), "-H", "Authorization: Bearer ", "-o", "/dev/null", "-w",
                  "%{http_code}"}),
            "200");
}

TEST_F(Http2Server, RefusesBodiesAndHeadersThatAreTooLarge) {
  write("body", std::string(5 << 20, 'q'));
  EXPECT_EQ(curl({url("/echo"), "--data-binary", "@" + dir_ + "/body", "-o", "/dev/null", "-w",
                  "%{http_code}"}),
            "413");
  std::vector<std::string> many = {url("/hello"), "-o", "/dev/null", "-w", "%{http_code}"};
  for (int i = 0; i < 9; ++i) {
    many.push_back("-H");
    many.push_back("X-Long-" + std::to_string(i) + ": " + std::string(7900, 'x'));
  }
  EXPECT_NE(curl(many), "200");
}

TEST_F(Http2Server, HoldsNoMoreBodiesThanItHasRoomFor) {
  constexpr std::size_t kRoom = 100'000;
  server_ = start_server(handler_, true, [](auto& options) { options.max_bodies_bytes = kRoom; });
  write("large", std::string(kRoom + 1, 'q'));
  write("small", std::string(kRoom / 2, 'q'));
  for (const char* version : {"--http1.1", "--http2"}) {
    const auto status = [&](const std::string& body) {
      return curl({version, url("/echo"), "--data-binary", "@" + dir_ + "/" + body, "-o",
                   "/dev/null", "-w", "%{http_code}"});
    };
    EXPECT_EQ(status("large"), "503") << version;
    // What an answered request took is there for the next.
    for (int i = 0; i < 4; ++i) EXPECT_EQ(status("small"), "200") << version;
  }
}

TEST_F(Http2Server, ServesManyStreamsOfOneConnection) {
  std::vector<std::string> arguments = {"--no-progress-meter", "--parallel", "--parallel-max",
                                        "100"};
  for (int i = 0; i < 100; ++i) {
    arguments.push_back(url(i % 2 == 0 ? "/stream?100000" : "/thread"));
    arguments.push_back("-o");
    arguments.push_back(dir_ + "/out" + std::to_string(i));
  }
  EXPECT_EQ(curl(arguments), "");
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(io::read_file(dir_ + "/out" + std::to_string(i)).value().size(),
              i % 2 == 0 ? 100000u : 4u);
}

TEST_F(Http2Server, AnAnswerThatClosesTheConnectionIsTheLastThatBeginsOnIt) {
  const auto connects = [&](std::string_view path) {
    return curl({url(path), url(path), "-o", "/dev/null", "-o", "/dev/null", "-w",
                 "%{http_code} %{num_connects} "});
  };
  EXPECT_EQ(connects("/hello"), "200 1 200 0 ");
  EXPECT_EQ(connects("/goodbye"), "200 1 200 1 ");
}

TEST_F(Http2Server, WakesAWatchAndEndsIt) {
  auto feed = handler_.add_feed("/watch");
  std::thread pusher([&] {
    feed->opened.get_future().get();
    for (int i = 0; i < 50; ++i) feed->push("line\n", i == 49);
  });
  std::string got = curl({"-N", url("/watch")});
  pusher.join();
  EXPECT_EQ(got.size(), 250u);
  feed->gone.get_future().get();
}

TEST_F(Http2Server, ABodyRestsBetweenWhatItSays) {
  auto feed = handler_.add_feed("/watch");
  const std::string large(40'000, 'x');  // Several frames.
  std::thread pusher([&] {
    feed->opened.get_future().get();
    for (int i = 0; i < 20; ++i) {
      feed->push("line\n");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      feed->push("");  // Woken for nothing.
      feed->push(large);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    feed->push("", true);
  });
  const std::string got = curl({"-N", url("/watch")});
  pusher.join();
  EXPECT_EQ(got.size(), 20 * (5 + large.size()));
  EXPECT_EQ(got.substr(0, 6), "line\nx");
  feed->gone.get_future().get();
}

TEST_F(Http2Server, ResetsAStreamThatFailedAndTellsWhenAPeerLeft) {
  auto feed = handler_.add_feed("/watch");
  std::thread pusher([&] {
    feed->opened.get_future().get();
    feed->push("half", false, true);
  });
  EXPECT_NE(curl({"-N", url("/watch")}).find("INTERNAL_ERROR"), std::string::npos);
  pusher.join();
  curl({"-m", "0.2", url("/hold")});
  handler_.cancelled.get_future().get();
}

TEST_F(Http2Server, UsesAReloadedCertificateForNewConnections) {
  auto tls = test_tls();
  auto server = start_server(handler_, false, [&](ServerOptions& o) { o.tls = tls; });
  EXPECT_FALSE(tls->reload({}));
  auto other = make_authority("new-ca", real_clock().wall() - std::chrono::hours(1),
                              real_clock().wall() + std::chrono::hours(1));
  ASSERT_TRUE(tls->reload({.certificate_pem = other->certificate_pem,
                           .private_key_pem = other->private_key_pem,
                           .client_ca_pem = "",
                           .http2 = true}));
  std::string got = curl({"https://127.0.0.1:" + std::to_string(server->port()) + "/hello"});
  EXPECT_NE(got.find("certificate"), std::string::npos) << got;
}

}  // namespace
}  // namespace pinnace::net
