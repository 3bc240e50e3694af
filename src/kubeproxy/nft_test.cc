// The rules on a real kernel: a node, two pods and a neighbour, each in its own network namespace.

#include "kubeproxy/nft.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <atomic>
#include <cstring>
#include <future>
#include <thread>

#include "io/files.h"
#include "io/netlink.h"
#include "kubeproxy/loopback.h"
#include "kubeproxy/ruleset.h"
#include "kubeproxy/testing.h"

namespace pinnace::kubeproxy {
namespace {

io::Ipv4 ip(const char* text) { return *io::Ipv4::parse(text); }

// A network namespace; sockets that are made by `run` belong to it for ever.
class Namespace {
 public:
  Namespace() {
    std::thread([this] {
      if (unshare(CLONE_NEWNET) == 0)
        fd_.reset(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }).join();
  }
  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }
  template <typename Work>
  auto run(Work work) const {
    std::promise<decltype(work())> result;
    std::thread([&] {
      if (setns(fd_.get(), CLONE_NEWNET) != 0) abort();
      result.set_value(work());
    }).join();
    return result.get_future().get();
  }

 private:
  io::UniqueFd fd_;
};

bool wait_for(int fd, short events) {
  pollfd wait{fd, events, 0};
  return poll(&wait, 1, 3000) == 1;
}

std::string peer_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  std::uint32_t address;
  std::memcpy(&address, reinterpret_cast<char*>(&storage) + 4, sizeof address);
  return io::Ipv4{__builtin_bswap32(address)}.text();
}

// Says its name and who asked, once per connection.
class Server {
 public:
  Server(const Namespace& where, std::string name, io::InetAddress address)
      : name_(std::move(name)) {
    fd_ = where.run([&] { return std::move(*io::tcp_listen(address)); });
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stopping_ = true;
    shutdown(fd_.get(), SHUT_RDWR);
    thread_.join();
  }

 private:
  void serve() {
    while (!stopping_) {
      pollfd wait{fd_.get(), POLLIN, 0};
      poll(&wait, 1, -1);
      io::UniqueFd peer(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer.valid()) continue;
      const std::string text = name_ + ' ' + peer_of(peer.get());
      send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }
  }
  std::string name_;
  io::UniqueFd fd_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// What the server behind an address says, or why there is none.
std::string ask(const Namespace& from, io::InetAddress to) {
  return from.run([&]() -> std::string {
    auto fd = io::tcp_connect(to);
    if (!fd) return "error: " + fd.error().message;
    if (!wait_for(fd->get(), POLLOUT)) return "timeout";
    if (const int code = io::connect_error(fd->get()); code != 0) return strerror(code);
    std::string text;
    char buffer[200];
    while (wait_for(fd->get(), POLLIN)) {
      const ssize_t got = recv(fd->get(), buffer, sizeof buffer, 0);
      if (got <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return "timeout";
  });
}

class NftOnKernel : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root may make network namespaces";
    ASSERT_TRUE(node_.valid() && pod_a_.valid() && pod_b_.valid() && outside_.valid());
    ASSERT_EQ(node_.run([&] { return make_node(); }), "");
    connect(pod_a_, "a", "10.244.0.2", "10.244.0.1");
    connect(pod_b_, "b", "10.244.0.3", "10.244.0.1");
    connect(outside_, "c", "192.0.2.2", "192.0.2.1");
  }

  std::string make_node() {
    auto netlink = std::move(*io::Netlink::create());
    auto done = netlink.set_up("lo");
    if (done) done = netlink.add_link("services", "bridge");
    if (done) done = netlink.set_up("services");
    if (done) done = netlink.add_veth("a", "a1");
    if (done) done = netlink.add_veth("b", "b1");
    if (done) done = netlink.add_veth("c", "c1");
    if (done) done = netlink.add_address("c", ip("192.0.2.1"), 32);
    if (done) {
      done = netlink.set_route({*io::Cidr::parse("10.96.0.0/16"), {}, "services", ip("192.0.2.1")});
    }
    if (done) done = io::write_file("/proc/sys/net/ipv4/ip_forward", "1");
    return done ? "" : done.error().message;
  }

  // A point-to-point link with a route to each end, as CNI's ptp plugin makes it.
  void connect(const Namespace& pod, const std::string& link, const char* address,
               const char* gateway) {
    const std::string failure = node_.run([&]() -> std::string {
      auto netlink = std::move(*io::Netlink::create());
      auto done = netlink.move_link(link + "1", pod.fd());
      if (done) done = netlink.add_address(link, ip(gateway), 32);
      if (done) done = netlink.set_up(link);
      if (done) done = netlink.set_route({{ip(address), 32}, {}, link, ip(gateway)});
      return done ? "" : done.error().message;
    });
    ASSERT_EQ(failure, "");
    const std::string inside = pod.run([&]() -> std::string {
      auto netlink = std::move(*io::Netlink::create());
      const std::string name = link + "1";
      auto done = netlink.set_up("lo");
      if (done) done = netlink.add_address(name, ip(address), 32);
      if (done) done = netlink.set_up(name);
      if (done) done = netlink.set_route({{ip(gateway), 32}, {}, name, {}});
      if (done) done = netlink.set_route({{{}, 0}, ip(gateway), name, {}});
      return done ? "" : done.error().message;
    });
    ASSERT_EQ(inside, "");
  }

  void apply(const std::string& commands) {
    const std::string failure = node_.run([&]() -> std::string {
      Nft nft;
      const auto done = nft.run(commands);
      return done ? "" : done.error().message + "\n" + commands;
    });
    ASSERT_EQ(failure, "");
    ruleset_.applied();
  }
  void serve(const api::core_v1::Service& service, const std::vector<std::string>& addresses) {
    ruleset_.set(
        "service/" + service.metadata.name,
        plan_service(testing_facts(), service, {make_slice(service.metadata.name, addresses)}));
  }
  std::string list() {
    return node_.run([&] { return Nft().run("list ruleset").value_or("failed"); });
  }

  Namespace node_, pod_a_, pod_b_, outside_;
  Ruleset ruleset_{testing_facts()};
  const io::InetAddress cluster_{{0x0a600005}, 80};
};

TEST_F(NftOnKernel, LeadsClusterAddressesToPodsFromTheHostAndFromPods) {
  Server a(pod_a_, "a", {ip("10.244.0.2"), 8080});
  Server b(pod_b_, "b", {ip("10.244.0.3"), 8080});
  serve(make_service("web", "10.96.0.5"), {"10.244.0.2"});
  apply(ruleset_.whole());
  EXPECT_EQ(ask(pod_b_, cluster_), "a 10.244.0.3") << "a pod keeps its address";
  EXPECT_TRUE(ask(node_, cluster_).starts_with("a "));
  EXPECT_TRUE(ask(pod_a_, cluster_).starts_with("a ")) << "a pod reaches itself";
  serve(make_service("web", "10.96.0.5"), {"10.244.0.3"});
  apply(ruleset_.changes());
  EXPECT_TRUE(ask(node_, cluster_).starts_with("b "));
  serve(make_service("web", "10.96.0.5"), {"10.244.0.2", "10.244.0.3"});
  apply(ruleset_.changes());
  std::set<char> seen;
  for (int i = 0; i < 200 && seen.size() < 2; ++i) seen.insert(ask(node_, cluster_).at(0));
  EXPECT_EQ(seen, (std::set{'a', 'b'})) << "each endpoint gets its share";
}

TEST_F(NftOnKernel, RefusesAtOnceWhatHasNoEndpoints) {
  auto service = make_service("web", "10.96.0.5");
  service.spec.ports[0].node_port = 30080;
  serve(service, {});
  apply(ruleset_.whole());
  EXPECT_EQ(ask(node_, cluster_), "Connection refused");
  EXPECT_EQ(ask(pod_a_, cluster_), "Connection refused");
  EXPECT_EQ(ask(outside_, {ip("192.0.2.1"), 30080}), "Connection refused");
  EXPECT_EQ(ask(pod_a_, {ip("10.96.0.77"), 80}), "Connection refused") << "no such Service";
}

TEST_F(NftOnKernel, OpensNodePortsToNeighboursAndOnLoopback) {
  Server a(pod_a_, "a", {ip("10.244.0.2"), 8080});
  auto service = make_service("web", "10.96.0.5");
  service.spec.ports[0].node_port = 30080;
  service.spec.external_ips = {"198.51.100.9"};
  serve(service, {"10.244.0.2"});
  apply(ruleset_.whole());
  EXPECT_EQ(ask(outside_, {ip("192.0.2.1"), 30080}), "a 10.244.0.1") << "masqueraded";
  EXPECT_TRUE(ask(node_, {ip("192.0.2.1"), 30080}).starts_with("a "));
  EXPECT_TRUE(ask(pod_a_, {ip("10.244.0.1"), 30080}).starts_with("a "));
  EXPECT_TRUE(ask(outside_, {ip("198.51.100.9"), 80}).starts_with("a "));
  const io::InetAddress loopback{ip("127.0.0.1"), 30080};
  node_.run([&] {
    io::LoopThread thread("loopback");
    std::promise<void> ready, gone;
    std::unique_ptr<Loopback> ports;
    thread.loop().post([&] {
      setns(node_.fd(), CLONE_NEWNET);
      ports = std::make_unique<Loopback>(thread.loop());
      ports->set(ruleset_.local_ports());
      ready.set_value();
    });
    ready.get_future().wait();
    EXPECT_TRUE(ask(node_, loopback).starts_with("a ")) << ask(node_, loopback);
    thread.loop().post([&] {
      ports.reset();
      gone.set_value();
    });
    gone.get_future().wait();
    return 0;
  });
  EXPECT_EQ(ask(node_, loopback), "Connection refused");
}

TEST_F(NftOnKernel, KeepsTheClientsAddressWithExternalTrafficPolicyLocal) {
  Server a(pod_a_, "a", {ip("10.244.0.2"), 8080});
  auto service = make_service("web", "10.96.0.5");
  service.spec.ports[0].node_port = 30080;
  service.spec.external_traffic_policy = "Local";
  serve(service, {"10.244.0.2"});
  apply(ruleset_.whole());
  EXPECT_EQ(ask(outside_, {ip("192.0.2.1"), 30080}), "a 192.0.2.2");
}

TEST_F(NftOnKernel, HoldsAClientToItsEndpointThroughChanges) {
  Server a(pod_a_, "a", {ip("10.244.0.2"), 8080});
  Server b(pod_b_, "b", {ip("10.244.0.3"), 8080});
  auto service = make_service("web", "10.96.0.5");
  service.spec.session_affinity = "ClientIP";
  serve(service, {"10.244.0.2", "10.244.0.3"});
  apply(ruleset_.whole());
  const std::string first = ask(outside_, cluster_);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(outside_, cluster_), first);
  service.spec.ports[0].node_port = 30080;
  serve(service, {"10.244.0.2", "10.244.0.3"});
  apply(ruleset_.changes());
  EXPECT_EQ(ask(outside_, cluster_), first);
  auto& config = service.spec.session_affinity_config.emplace();
  config.client_ip.emplace().timeout_seconds = 60;
  serve(service, {"10.244.0.2"});
  apply(ruleset_.changes());
  EXPECT_TRUE(ask(outside_, cluster_).starts_with("a "));
  service.spec.session_affinity = "None";
  serve(service, {"10.244.0.2", "10.244.0.3"});
  apply(ruleset_.changes());
  ruleset_.set("service/web", {});
  apply(ruleset_.changes());
  EXPECT_EQ(list().find("default/web"), std::string::npos) << list();
}

TEST_F(NftOnKernel, LeadsHostPortsToTheirPod) {
  Server a(pod_a_, "a", {ip("10.244.0.2"), 8080});
  api::core_v1::Pod pod;
  pod.metadata.name = "web";
  pod.metadata.namespace_ = "default";
  pod.spec.node_name = "node1";
  pod.status.pod_ip = "10.244.0.2";
  auto& port = pod.spec.containers.emplace_back().ports.emplace_back();
  port.container_port = 8080;
  port.host_port = 9090;
  ruleset_.set("pod/default/web", plan_host_ports(testing_facts(), pod));
  apply(ruleset_.whole());
  EXPECT_EQ(ask(outside_, {ip("192.0.2.1"), 9090}), "a 192.0.2.2");
}

TEST_F(NftOnKernel, RemovesItsTableAndNothingElse) {
  apply("add table ip somebody-else\n");
  serve(make_service("web", "10.96.0.5"), {"10.244.0.2"});
  apply(ruleset_.whole());
  apply(ruleset_.whole());  // Again, over what is there.
  apply(Ruleset::removal("pinnace-test"));
  apply(Ruleset::removal("pinnace-test"));
  EXPECT_EQ(list(), "table ip somebody-else {\n}\n");
}

TEST_F(NftOnKernel, ForgetsUdpFlowsToAnEndpoint) {
  auto service = make_service("dns", "10.96.0.5");
  service.spec.ports[0].protocol = "UDP";
  auto slice = make_slice("dns", {"10.244.0.2"});
  slice->ports[0].protocol = "UDP";
  ruleset_.set("service/dns", plan_service(testing_facts(), service, {slice}));
  apply(ruleset_.whole());
  const auto socket = outside_.run([&] { return std::move(*io::udp_connect(cluster_)); });
  ASSERT_EQ(send(socket.get(), "x", 1, 0), 1);
  const auto forget = [&](const char* endpoint) {
    return node_.run([&] {
      return io::Netlink::create()->forget_udp_flows(cluster_.ip, 80, ip(endpoint)).value_or(-1);
    });
  };
  EXPECT_EQ(forget("10.244.0.3"), 0);
  EXPECT_EQ(forget("10.244.0.2"), 1);
  EXPECT_EQ(forget("10.244.0.2"), 0);
}

}  // namespace
}  // namespace pinnace::kubeproxy
