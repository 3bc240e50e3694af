#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "io/internal/netlink_message.h"
#include "io/netlink.h"

namespace pinnace::io {
namespace {

using internal::netlink_attributes;
using internal::netlink_exchange;
using internal::NetlinkMessage;
using Attributes = std::map<std::uint16_t, std::string_view>;

constexpr std::uint16_t message_type(int type) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
}

struct FlowEnds {
  Ipv4 source, destination;
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = 0;
};

FlowEnds read_tuple(std::string_view bytes) {
  FlowEnds ends;
  const auto tuple = netlink_attributes(bytes);
  const auto number = [](const Attributes& in, std::uint16_t type, std::size_t size) {
    std::uint32_t value = 0;
    const auto found = in.find(type);
    if (found == in.end() || found->second.size() != size) return value;
    for (const char byte : found->second) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  };
  if (const auto ip = tuple.find(CTA_TUPLE_IP); ip != tuple.end()) {
    const auto parts = netlink_attributes(ip->second);
    ends.source.value = number(parts, CTA_IP_V4_SRC, 4);
    ends.destination.value = number(parts, CTA_IP_V4_DST, 4);
  }
  if (const auto proto = tuple.find(CTA_TUPLE_PROTO); proto != tuple.end()) {
    const auto parts = netlink_attributes(proto->second);
    ends.protocol = static_cast<std::uint8_t>(number(parts, CTA_PROTO_NUM, 1));
    ends.destination_port = static_cast<std::uint16_t>(number(parts, CTA_PROTO_DST_PORT, 2));
  }
  return ends;
}

}  // namespace

Result<int> Netlink::forget_udp_flows(Ipv4 original, std::uint16_t port, Ipv4 translated) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) return errors::system("netfilter socket", errno);
  const nfgenmsg family{AF_INET, NFNETLINK_V0, 0};
  std::vector<std::string> tuples;  // The original directions, as the kernel wants them back.
  NetlinkMessage dump(message_type(IPCTNL_MSG_CT_GET), NLM_F_REQUEST | NLM_F_DUMP);
  dump.body(family);
  int code = netlink_exchange(fd, dump, ++sequence_, [&](std::string_view body) {
    if (body.size() < sizeof(nfgenmsg)) return;
    const auto attributes = netlink_attributes(body.substr(NLMSG_ALIGN(sizeof(nfgenmsg))));
    const auto forward = attributes.find(CTA_TUPLE_ORIG);
    const auto reply = attributes.find(CTA_TUPLE_REPLY);
    if (forward == attributes.end() || reply == attributes.end()) return;
    const FlowEnds out = read_tuple(forward->second);
    const bool wanted = original.is_any() || out.destination == original;
    if (out.protocol != IPPROTO_UDP || !wanted || out.destination_port != port ||
        read_tuple(reply->second).source != translated) {
      return;
    }
    tuples.emplace_back(forward->second);
  });
  int forgotten = 0;
  for (const auto& tuple : tuples) {
    NetlinkMessage remove(message_type(IPCTNL_MSG_CT_DELETE), NLM_F_REQUEST | NLM_F_ACK);
    remove.body(family).attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, tuple.data(), tuple.size());
    const int removed = netlink_exchange(fd, remove, ++sequence_);
    if (removed == 0) ++forgotten;
    if (removed != 0 && removed != ENOENT) code = removed;
  }
  close(fd);
  if (code != 0) return errors::system("tracked connections", code);
  return forgotten;
}

}  // namespace pinnace::io
