// Netlink asks the kernel about links, addresses, routes and tracked connections, and changes them.
//
//   auto netlink = io::Netlink::create();
//   netlink->add_link("pinnace-dns", "bridge");
//
// Why: no forks of `ip` or `conntrack`, and errors that say what failed.
// Threads: one at a time. Calls block for as long as the kernel takes (microseconds).
// Errors: "what: strerror"; adding what is there and removing what is not are successes.
// Bounds: a dump is read whole into memory.
// Source: rtnetlink(7); nfnetlink_conntrack.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "io/ip.h"

namespace pinnace::io {

struct NetLink {
  int index = 0;
  std::string name;
  bool up = false;
};

struct NetAddress {
  int link_index = 0;
  Ipv4 address;
  int prefix = 32;
};

struct NetRoute {
  Cidr destination;  // 0.0.0.0/0: the default route
  std::optional<Ipv4> gateway;
  std::string link;            // empty: the kernel finds it by the gateway
  std::optional<Ipv4> source;  // preferred source address
};

class Netlink {
 public:
  static Result<Netlink> create();
  Netlink(Netlink&& other) noexcept;
  Netlink& operator=(Netlink&& other) noexcept;
  ~Netlink();

  // `kind` is the kernel's link type: "bridge", "dummy".
  Result<void> add_link(std::string_view name, std::string_view kind);
  // The two ends of a veth pair.
  Result<void> add_veth(std::string_view name, std::string_view peer);
  Result<void> remove_link(std::string_view name);
  Result<void> set_up(std::string_view name);
  // Moves a link into the network namespace open as `namespace_fd`.
  Result<void> move_link(std::string_view name, int namespace_fd);
  Result<void> add_address(std::string_view link, Ipv4 address, int prefix);
  Result<void> remove_address(std::string_view link, Ipv4 address, int prefix);
  // Replaces a route with the same destination.
  Result<void> set_route(const NetRoute& route);
  Result<void> remove_route(const NetRoute& route);

  Result<std::vector<NetLink>> links();
  Result<std::vector<NetAddress>> addresses();
  // IPv4 routes of the main table.
  Result<std::vector<NetRoute>> routes();

  // Forgets tracked UDP flows that were sent to `original:port` (0.0.0.0: any address) and are
  // translated to `translated`, so that the next packet of a chatty client finds a living
  // endpoint. Gives their number.
  Result<int> forget_udp_flows(Ipv4 original, std::uint16_t port, Ipv4 translated);

 private:
  explicit Netlink(int fd) : fd_(fd) {}
  int fd_ = -1;
  std::uint32_t sequence_ = 0;
};

}  // namespace pinnace::io
