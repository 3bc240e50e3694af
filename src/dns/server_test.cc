#include "dns/server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <future>

#include "dns/resolv_conf.h"

namespace pinnace::dns {
namespace {

const io::Ipv4 kLoopback{0x7f000001};

api::core_v1::Service service(std::string name, std::string cluster_ip) {
  api::core_v1::Service made;
  made.metadata.name = std::move(name);
  made.metadata.namespace_ = "default";
  made.spec.cluster_ip = std::move(cluster_ip);
  return made;
}

// Blocks for an answer, as a pod's resolver does; "" after 5 s.
std::string ask_udp(io::InetAddress server, const std::string& query) {
  auto fd = io::udp_connect(server);
  if (!fd || send(fd->get(), query.data(), query.size(), 0) < 0) return {};
  pollfd wait{fd->get(), POLLIN, 0};
  if (poll(&wait, 1, 5000) != 1) return {};
  char buffer[65535];
  const ssize_t got = recv(fd->get(), buffer, sizeof buffer, 0);
  return got < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(got));
}

std::string ask_tcp(io::InetAddress server, const std::string& query) {
  auto fd = io::tcp_connect(server);
  if (!fd) return {};
  pollfd wait{fd->get(), POLLOUT, 0};
  if (poll(&wait, 1, 5000) != 1) return {};
  std::string out{static_cast<char>(query.size() >> 8), static_cast<char>(query.size())};
  out += query;
  // In two pieces: a message need not come in one.
  if (send(fd->get(), out.data(), 3, MSG_NOSIGNAL) != 3) return {};
  if (send(fd->get(), out.data() + 3, out.size() - 3, MSG_NOSIGNAL) < 0) return {};
  std::string in;
  wait.events = POLLIN;
  while (poll(&wait, 1, 5000) == 1) {
    char buffer[65535];
    const ssize_t got = recv(fd->get(), buffer, sizeof buffer, 0);
    if (got <= 0) return {};
    in.append(buffer, static_cast<std::size_t>(got));
    const std::size_t size =
        in.size() < 2 ? 0
                      : static_cast<unsigned char>(in[0]) << 8 | static_cast<unsigned char>(in[1]);
    if (size > 0 && in.size() >= size + 2) return in.substr(2, size);
  }
  return {};
}

std::string query(std::string name, Type type = Type::kA, std::uint16_t id = 7) {
  DnsMessage message;
  message.id = id;
  message.recursion_desired = true;
  message.question = Question{std::move(name), type};
  return encode(message);
}

// A loop thread with two servers: `upstream_` stands for the host's resolver and knows the zone
// "outside"; `server_` is the one under test.
class DnsServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_.set_service("default/web",
                           std::make_shared<api::core_v1::Service>(service("web", "10.96.0.5")));
    auto out = service("out", "");
    out.spec.type = "ExternalName";
    out.spec.external_name = "www.default.svc.outside";
    directory_.set_service("default/out", std::make_shared<api::core_v1::Service>(out));
    auto many = service("many", "");
    for (int i = 0; i < 100; ++i) many.spec.cluster_ips.push_back("10.96.1." + std::to_string(i));
    directory_.set_service("default/many", std::make_shared<api::core_v1::Service>(many));
    outside_.set_service("default/www",
                         std::make_shared<api::core_v1::Service>(service("www", "192.0.2.1")));
    on_loop([&] {
      upstream_ = std::move(*DnsServer::create(thread_.loop(), *rng_, outside_,
                                               {.listen = {kLoopback, 0}, .forward = {}}));
      upstream_->set_ready();
      DnsServer::Options options{.listen = {kLoopback, 0}, .forward = {}};
      options.forward.servers = {{kLoopback, 1}, upstream_->address()};  // The first is dead.
      server_ = std::move(*DnsServer::create(thread_.loop(), *rng_, directory_, options));
      server_->set_ready();
    });
  }
  void TearDown() override {
    on_loop([&] {
      server_.reset();
      upstream_.reset();
    });
  }
  template <typename Work>
  void on_loop(Work work) {
    std::promise<void> done;
    thread_.loop().post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  Directory directory_{"cluster.local"};
  Directory outside_{"outside"};
  std::unique_ptr<Rng> rng_ = seeded_rng(1);
  io::LoopThread thread_{"dns-test"};
  std::unique_ptr<DnsServer> upstream_, server_;
};

TEST_F(DnsServerTest, AnswersAboutTheClusterOverUdpAndTcp) {
  for (const auto ask : {ask_udp, ask_tcp}) {
    const auto answer = decode(ask(server_->address(), query("web.default.svc.cluster.local")));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->id, 7);
    EXPECT_TRUE(answer->authoritative);
    ASSERT_EQ(answer->answers.size(), 1u);
    EXPECT_EQ(answer->answers[0].address.text(), "10.96.0.5");
  }
}

TEST_F(DnsServerTest, ForwardsTheRestPastADeadResolver) {
  for (const auto ask : {ask_udp, ask_tcp}) {
    for (int again = 0; again < 2; ++again) {  // The second comes from the cache.
      const auto answer =
          decode(ask(server_->address(), query("www.default.svc.outside", Type::kA, 99)));
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->id, 99);
      ASSERT_EQ(answer->answers.size(), 1u);
      EXPECT_EQ(answer->answers[0].address.text(), "192.0.2.1");
    }
  }
  const auto missing = decode(ask_udp(server_->address(), query("no.default.svc.outside")));
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->rcode, Rcode::kNxDomain);
}

TEST_F(DnsServerTest, FollowsAnExternalNameToItsAddresses) {
  const auto answer = decode(ask_udp(server_->address(), query("out.default.svc.cluster.local")));
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->answers.size(), 2u);
  EXPECT_EQ(answer->answers[0].target, "www.default.svc.outside");
  EXPECT_EQ(answer->answers[1].address.text(), "192.0.2.1");
}

TEST_F(DnsServerTest, TruncatesOverUdpAndNotOverTcp) {
  const auto message = query("many.default.svc.cluster.local");
  const auto udp = ask_udp(server_->address(), message);
  EXPECT_LE(udp.size(), 512u);
  ASSERT_TRUE(decode(udp));
  EXPECT_TRUE(decode(udp)->truncated);
  const auto tcp = decode(ask_tcp(server_->address(), message));
  ASSERT_TRUE(tcp);
  EXPECT_FALSE(tcp->truncated);
  EXPECT_EQ(tcp->answers.size(), 100u);
}

TEST_F(DnsServerTest, SaysFormErrToWhatItCannotRead) {
  std::string broken = query("web.default.svc.cluster.local");
  broken.resize(20);
  const auto answer = decode(ask_udp(server_->address(), broken));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->rcode, Rcode::kFormErr);
  EXPECT_EQ(answer->id, 7);
}

TEST_F(DnsServerTest, SaysServFailWhenNobodyAnswers) {
  on_loop([&] { upstream_.reset(); });
  const auto answer = decode(ask_udp(server_->address(), query("www.default.svc.outside")));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->rcode, Rcode::kServFail);
}

TEST(AnswerCache, LowersTtlsAndForgets) {
  DnsMessage message;
  message.response = true;
  message.question = Question{"a.b", Type::kA};
  Record record;
  record.name = "a.b";
  record.ttl = 20;
  message.answers = {record};
  AnswerCache cache;
  const MonotonicTime start{1'000'000'000};
  cache.put("a.b/1", encode(message), start);
  const auto later = cache.get("a.b/1", start + std::chrono::seconds(5));
  ASSERT_TRUE(later);
  EXPECT_EQ(decode(*later)->answers[0].ttl, 15u);
  EXPECT_FALSE(cache.get("a.b/1", start + std::chrono::seconds(20)));
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(AnswerCache, StaysWithinItsBound) {
  DnsMessage message;
  message.question = Question{"a.b", Type::kA};
  Record record;
  record.name = "a.b";
  record.ttl = 20;
  message.answers = {record};
  AnswerCache cache(8192);
  for (int i = 0; i < 1000; ++i) cache.put(std::to_string(i), encode(message), {});
  EXPECT_LE(cache.bytes(), 8192u);
  EXPECT_TRUE(cache.get("999", {}));
  EXPECT_FALSE(cache.get("0", {}));
}

TEST(ResolvConf, ReadsServersAndLeavesOutOurselves) {
  const auto servers = parse_resolv_conf(
      "# c\nsearch a b\nnameserver 10.96.0.10\nnameserver\t10.0.0.2 \nnameserver fe80::1\n"
      "nameserverx 1.1.1.1\nnameserver 10.0.0.3\nnameserver 10.0.0.4\nnameserver 10.0.0.5\n",
      {*io::Ipv4::parse("10.96.0.10")});
  ASSERT_EQ(servers.size(), 3u);
  EXPECT_EQ(servers[0].text(), "10.0.0.2:53");
  EXPECT_EQ(servers[2].text(), "10.0.0.4:53");
}

}  // namespace
}  // namespace pinnace::dns
