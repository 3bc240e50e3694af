// plan_* says what one Service, or one pod with host ports, needs in the nftables table.
//
// Why: a change of one Service costs what that Service needs, however many there are; and what is
//   decided here is tested without a kernel.
// Threads: pure functions.
// Source: Kubernetes' Service API: traffic policies, session affinity, terminating endpoints.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/types/core_v1.h"
#include "api/types/discovery_v1.h"
#include "io/inet.h"

namespace pinnace::kubeproxy {

struct Facts {
  std::string table = "pinnace";  // "table ip NAME"; clusters that share a kernel need two names
  std::string node_name;
  io::Cidr pod_cidr{{0x0af40000}, 16};  // all pods
  io::Cidr service_cidr{{0x0a600000}, 16};
  std::uint32_t masquerade_mark = 0x4000;  // one bit of the packet mark
};

// "tcp", "udp" or "sctp", and a port on 127.0.0.1.
using LocalPort = std::pair<std::string, std::uint16_t>;

struct UdpTarget {
  io::Ipv4 original;  // 0.0.0.0: any address of the node
  std::uint16_t port = 0;
  io::Ipv4 endpoint;
  auto operator<=>(const UdpTarget&) const = default;
};

struct Fragment {
  std::map<std::string, std::vector<std::string>> chains;               // name → rules
  std::map<std::string, std::int32_t> affinity_sets;                    // name → seconds
  std::map<std::pair<std::string, std::string>, std::string> elements;  // (set, key) → value or ""
  // Ports that must also answer on 127.0.0.1, and where they lead.
  std::map<LocalPort, io::InetAddress> local_ports;
  std::set<UdpTarget> udp_targets;
  bool operator==(const Fragment&) const = default;
};

using SliceRef = std::shared_ptr<const api::discovery_v1::EndpointSlice>;

Fragment plan_service(const Facts& facts, const api::core_v1::Service& service,
                      const std::vector<SliceRef>& slices);
Fragment plan_host_ports(const Facts& facts, const api::core_v1::Pod& pod);

}  // namespace pinnace::kubeproxy
