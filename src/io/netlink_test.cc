#include "io/netlink.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace pinnace::io {
namespace {

// Runs `body` in a child process with a network namespace of its own; its exit code is the number
// of failures.
template <typename Body>
void in_own_network(Body body) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may make network namespaces";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (unshare(CLONE_NEWNET) != 0) _exit(99);
    body();
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

TEST(Ipv4, ReadsAndWritesOnlyCanonicalTexts) {
  EXPECT_EQ(Ipv4::parse("10.96.0.10")->value, 0x0a60000au);
  EXPECT_EQ(Ipv4::parse("10.96.0.10")->text(), "10.96.0.10");
  EXPECT_EQ(Ipv4::parse("10-96-0-10", '-')->dashed(), "10-96-0-10");
  for (const char* wrong :
       {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1..3.4", "a.b.c.d"}) {
    EXPECT_FALSE(Ipv4::parse(wrong)) << wrong;
  }
}

TEST(Cidr, ClearsHostBitsAndKnowsItsMembers) {
  const auto cidr = Cidr::parse("10.96.5.7/16");
  ASSERT_TRUE(cidr);
  EXPECT_EQ(cidr->text(), "10.96.0.0/16");
  EXPECT_TRUE(cidr->contains(*Ipv4::parse("10.96.255.1")));
  EXPECT_FALSE(cidr->contains(*Ipv4::parse("10.97.0.1")));
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains(*Ipv4::parse("8.8.8.8")));
  EXPECT_FALSE(Cidr::parse("10.0.0.0/33"));
}

TEST(Netlink, AddsAndRemovesALinkWithItsAddressAndRoute) {
  in_own_network([] {
    auto netlink = Netlink::create();
    ASSERT_TRUE(netlink);
    const auto address = *Ipv4::parse("10.96.0.10");
    ASSERT_TRUE(netlink->add_link("test-dns", "bridge"));
    ASSERT_TRUE(netlink->add_link("test-dns", "bridge")) << "again is a success";
    ASSERT_TRUE(netlink->add_address("test-dns", address, 32));
    ASSERT_TRUE(netlink->add_address("test-dns", address, 32));
    ASSERT_TRUE(netlink->set_up("test-dns"));
    const auto up = netlink->links();
    ASSERT_TRUE(up);
    const auto link = std::ranges::find(*up, "test-dns", &NetLink::name);
    ASSERT_NE(link, up->end());
    EXPECT_TRUE(link->up);
    const auto addresses = netlink->addresses();
    ASSERT_TRUE(addresses);
    EXPECT_TRUE(std::ranges::any_of(*addresses, [&](const NetAddress& a) {
      return a.address == address && a.prefix == 32 && a.link_index == link->index;
    }));
    const NetRoute route{*Cidr::parse("10.96.0.0/16"), {}, "test-dns", address};
    ASSERT_TRUE(netlink->set_route(route));
    ASSERT_TRUE(netlink->set_route(route));
    const auto routes = netlink->routes();
    ASSERT_TRUE(routes);
    ASSERT_EQ(routes->size(), 1u);
    EXPECT_EQ(routes->front().destination, route.destination);
    EXPECT_EQ(routes->front().link, "test-dns");
    EXPECT_EQ(routes->front().source, address);
    ASSERT_TRUE(netlink->remove_route(route));
    ASSERT_TRUE(netlink->remove_route(route)) << "again is a success";
    ASSERT_TRUE(netlink->remove_address("test-dns", address, 32));
    ASSERT_TRUE(netlink->remove_link("test-dns"));
    ASSERT_TRUE(netlink->remove_link("test-dns"));
    EXPECT_TRUE(netlink->addresses()->empty());
  });
}

TEST(Netlink, SaysWhatFailed) {
  auto netlink = Netlink::create();
  ASSERT_TRUE(netlink);
  const auto result = netlink->set_up("no-such-link");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("no-such-link"), std::string::npos);
}

}  // namespace
}  // namespace pinnace::io
