#include "io/netlink.h"

#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "io/internal/netlink_message.h"

namespace pinnace::io {
namespace internal {

std::map<std::uint16_t, std::string_view> netlink_attributes(std::string_view bytes) {
  std::map<std::uint16_t, std::string_view> found;
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > bytes.size()) break;
    found[header.nla_type & NLA_TYPE_MASK] = bytes.substr(NLA_HDRLEN, header.nla_len - NLA_HDRLEN);
    bytes.remove_prefix(std::min<std::size_t>(bytes.size(), NLA_ALIGN(header.nla_len)));
  }
  return found;
}

int netlink_exchange(int fd, NetlinkMessage& message, std::uint32_t sequence,
                     const std::function<void(std::string_view)>& each) {
  const std::string& bytes = message.finish(sequence);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
             sizeof kernel) < 0) {
    return errno;
  }
  std::string buffer(64 * 1024, '\0');
  while (true) {
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    std::string_view rest(buffer.data(), static_cast<std::size_t>(got));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header;
      std::memcpy(&header, rest.data(), sizeof header);
      if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > rest.size()) return EBADMSG;
      const auto body = rest.substr(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
      rest.remove_prefix(std::min<std::size_t>(rest.size(), NLMSG_ALIGN(header.nlmsg_len)));
      if (header.nlmsg_seq != sequence) continue;  // An answer to a request that was given up.
      if (header.nlmsg_type == NLMSG_DONE) return 0;
      if (header.nlmsg_type == NLMSG_ERROR) {
        int code = 0;
        if (body.size() >= sizeof code) std::memcpy(&code, body.data(), sizeof code);
        return -code;
      }
      if (each) each(body);
    }
  }
}

}  // namespace internal

namespace {

using internal::netlink_attributes;
using internal::netlink_exchange;
using internal::NetlinkMessage;

constexpr std::uint16_t kChange = NLM_F_REQUEST | NLM_F_ACK;
constexpr std::uint16_t kCreate = kChange | NLM_F_CREATE | NLM_F_EXCL;
constexpr std::uint16_t kDump = NLM_F_REQUEST | NLM_F_DUMP;

std::uint32_t wire(Ipv4 address) { return __builtin_bswap32(address.value); }

template <typename T>
T read_as(std::string_view bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

Result<unsigned> index_of(std::string_view name) {
  const unsigned index = if_nametoindex(std::string(name).c_str());
  if (index == 0) return errors::system("link " + std::string(name), errno);
  return index;
}

Result<void> outcome(int code, std::string_view what, int harmless = 0) {
  if (code == 0 || code == harmless) return {};
  return errors::system(what, code);
}

}  // namespace

Result<Netlink> Netlink::create() {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return errors::system("netlink socket", errno);
  return Netlink(fd);
}

Netlink::Netlink(Netlink&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), sequence_(other.sequence_) {}

Netlink& Netlink::operator=(Netlink&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(sequence_, other.sequence_);
  return *this;
}

Netlink::~Netlink() {
  if (fd_ >= 0) close(fd_);
}

Result<void> Netlink::add_link(std::string_view name, std::string_view kind) {
  NetlinkMessage message(RTM_NEWLINK, kCreate);
  message.body(ifinfomsg{}).text(IFLA_IFNAME, name);
  const auto info = message.open(IFLA_LINKINFO);
  message.text(IFLA_INFO_KIND, kind);
  message.close(info);
  return outcome(netlink_exchange(fd_, message, ++sequence_),
                 "add link " + std::string(name) + " of type " + std::string(kind), EEXIST);
}

Result<void> Netlink::add_veth(std::string_view name, std::string_view peer) {
  NetlinkMessage message(RTM_NEWLINK, kCreate);
  message.body(ifinfomsg{}).text(IFLA_IFNAME, name);
  const auto info = message.open(IFLA_LINKINFO);
  message.text(IFLA_INFO_KIND, "veth");
  const auto data = message.open(IFLA_INFO_DATA);
  const auto other = message.open(VETH_INFO_PEER);
  message.body(ifinfomsg{}).text(IFLA_IFNAME, peer);
  message.close(other);
  message.close(data);
  message.close(info);
  return outcome(netlink_exchange(fd_, message, ++sequence_), "add veth " + std::string(name),
                 EEXIST);
}

Result<void> Netlink::remove_link(std::string_view name) {
  const auto index = index_of(name);
  if (!index) return {};
  NetlinkMessage message(RTM_DELLINK, kChange);
  ifinfomsg link{};
  link.ifi_index = static_cast<int>(*index);
  message.body(link);
  return outcome(netlink_exchange(fd_, message, ++sequence_), "remove link " + std::string(name),
                 ENODEV);
}

Result<void> Netlink::set_up(std::string_view name) {
  const auto index = index_of(name);
  if (!index) return std::unexpected(index.error());
  NetlinkMessage message(RTM_NEWLINK, kChange);
  ifinfomsg link{};
  link.ifi_index = static_cast<int>(*index);
  link.ifi_flags = link.ifi_change = IFF_UP;
  message.body(link);
  return outcome(netlink_exchange(fd_, message, ++sequence_), "set up link " + std::string(name));
}

Result<void> Netlink::move_link(std::string_view name, int namespace_fd) {
  const auto index = index_of(name);
  if (!index) return std::unexpected(index.error());
  NetlinkMessage message(RTM_NEWLINK, kChange);
  ifinfomsg link{};
  link.ifi_index = static_cast<int>(*index);
  message.body(link).number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(namespace_fd));
  return outcome(netlink_exchange(fd_, message, ++sequence_), "move link " + std::string(name));
}

namespace {

NetlinkMessage address_message(std::uint16_t type, std::uint16_t flags, unsigned index,
                               Ipv4 address, int prefix) {
  NetlinkMessage message(type, flags);
  ifaddrmsg body{};
  body.ifa_family = AF_INET;
  body.ifa_prefixlen = static_cast<unsigned char>(prefix);
  body.ifa_index = index;
  message.body(body).number(IFA_LOCAL, wire(address)).number(IFA_ADDRESS, wire(address));
  return message;
}

NetlinkMessage route_message(std::uint16_t type, std::uint16_t flags, const NetRoute& route,
                             unsigned link_index) {
  NetlinkMessage message(type, flags);
  rtmsg body{};
  body.rtm_family = AF_INET;
  body.rtm_dst_len = static_cast<unsigned char>(route.destination.prefix);
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_type = RTN_UNICAST;
  body.rtm_scope = route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  message.body(body);
  if (route.destination.prefix > 0) message.number(RTA_DST, wire(route.destination.base));
  if (route.gateway) message.number(RTA_GATEWAY, wire(*route.gateway));
  if (link_index != 0) message.number(RTA_OIF, link_index);
  if (route.source) message.number(RTA_PREFSRC, wire(*route.source));
  return message;
}

}  // namespace

Result<void> Netlink::add_address(std::string_view link, Ipv4 address, int prefix) {
  const auto index = index_of(link);
  if (!index) return std::unexpected(index.error());
  auto message = address_message(RTM_NEWADDR, kCreate, *index, address, prefix);
  return outcome(netlink_exchange(fd_, message, ++sequence_),
                 "add address " + address.text() + " to " + std::string(link), EEXIST);
}

Result<void> Netlink::remove_address(std::string_view link, Ipv4 address, int prefix) {
  const auto index = index_of(link);
  if (!index) return {};
  auto message = address_message(RTM_DELADDR, kChange, *index, address, prefix);
  return outcome(netlink_exchange(fd_, message, ++sequence_),
                 "remove address " + address.text() + " from " + std::string(link), EADDRNOTAVAIL);
}

Result<void> Netlink::set_route(const NetRoute& route) {
  unsigned index = 0;
  if (!route.link.empty()) {
    const auto found = index_of(route.link);
    if (!found) return std::unexpected(found.error());
    index = *found;
  }
  auto message = route_message(RTM_NEWROUTE, kChange | NLM_F_CREATE | NLM_F_REPLACE, route, index);
  return outcome(netlink_exchange(fd_, message, ++sequence_),
                 "set route to " + route.destination.text());
}

Result<void> Netlink::remove_route(const NetRoute& route) {
  const unsigned index = route.link.empty() ? 0 : if_nametoindex(route.link.c_str());
  auto message = route_message(RTM_DELROUTE, kChange, route, index);
  return outcome(netlink_exchange(fd_, message, ++sequence_),
                 "remove route to " + route.destination.text(), ESRCH);
}

Result<std::vector<NetLink>> Netlink::links() {
  std::vector<NetLink> found;
  NetlinkMessage message(RTM_GETLINK, kDump);
  message.body(ifinfomsg{});
  const int code = netlink_exchange(fd_, message, ++sequence_, [&](std::string_view body) {
    if (body.size() < sizeof(ifinfomsg)) return;
    const auto link = read_as<ifinfomsg>(body);
    const auto attributes = netlink_attributes(body.substr(NLMSG_ALIGN(sizeof(ifinfomsg))));
    const auto name = attributes.find(IFLA_IFNAME);
    if (name == attributes.end() || name->second.empty()) return;
    found.push_back({link.ifi_index, std::string(name->second.substr(0, name->second.size() - 1)),
                     (link.ifi_flags & IFF_UP) != 0});
  });
  if (code != 0) return errors::system("list links", code);
  return found;
}

Result<std::vector<NetAddress>> Netlink::addresses() {
  std::vector<NetAddress> found;
  NetlinkMessage message(RTM_GETADDR, kDump);
  ifaddrmsg filter{};
  filter.ifa_family = AF_INET;
  message.body(filter);
  const int code = netlink_exchange(fd_, message, ++sequence_, [&](std::string_view body) {
    if (body.size() < sizeof(ifaddrmsg)) return;
    const auto header = read_as<ifaddrmsg>(body);
    const auto attributes = netlink_attributes(body.substr(NLMSG_ALIGN(sizeof(ifaddrmsg))));
    const auto local = attributes.find(IFA_LOCAL);
    if (local == attributes.end() || local->second.size() != 4) return;
    found.push_back({static_cast<int>(header.ifa_index),
                     {__builtin_bswap32(read_as<std::uint32_t>(local->second))},
                     header.ifa_prefixlen});
  });
  if (code != 0) return errors::system("list addresses", code);
  return found;
}

Result<std::vector<NetRoute>> Netlink::routes() {
  std::vector<NetRoute> found;
  NetlinkMessage message(RTM_GETROUTE, kDump);
  rtmsg filter{};
  filter.rtm_family = AF_INET;
  message.body(filter);
  const auto address = [](std::string_view bytes) {
    return Ipv4{__builtin_bswap32(read_as<std::uint32_t>(bytes))};
  };
  const int code = netlink_exchange(fd_, message, ++sequence_, [&](std::string_view body) {
    if (body.size() < sizeof(rtmsg)) return;
    const auto header = read_as<rtmsg>(body);
    if (header.rtm_table != RT_TABLE_MAIN || header.rtm_type != RTN_UNICAST) return;
    NetRoute route;
    route.destination.prefix = header.rtm_dst_len;
    for (const auto& [type, value] : netlink_attributes(body.substr(NLMSG_ALIGN(sizeof(rtmsg))))) {
      if (value.size() != 4) continue;
      if (type == RTA_DST) route.destination.base = address(value);
      if (type == RTA_GATEWAY) route.gateway = address(value);
      if (type == RTA_PREFSRC) route.source = address(value);
      if (type == RTA_OIF) {
        char name[IF_NAMESIZE] = {};
        if (if_indextoname(read_as<std::uint32_t>(value), name) != nullptr) route.link = name;
      }
    }
    found.push_back(std::move(route));
  });
  if (code != 0) return errors::system("list routes", code);
  return found;
}

}  // namespace pinnace::io
