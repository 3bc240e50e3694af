#include "cluster/node.h"
#include "io/netlink.h"

namespace pinnace::cluster {

Result<std::string> find_node_ip() {
  auto netlink = io::Netlink::create();
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  auto links = netlink->links();
  if (!links) return std::unexpected(std::move(links.error()));
  auto addresses = netlink->addresses();
  if (!addresses) return std::unexpected(std::move(addresses.error()));
  auto routes = netlink->routes();
  if (!routes) return std::unexpected(std::move(routes.error()));

  const auto address_of = [&](const std::string& name) -> std::string {
    for (const auto& link : *links) {
      if (link.name != name) continue;
      for (const auto& each : *addresses) {
        if (each.link_index == link.index && !each.address.is_loopback())
          return each.address.text();
      }
    }
    return "";
  };
  for (const auto& route : *routes) {
    if (route.destination.prefix != 0) continue;
    if (route.source) return route.source->text();
    if (auto found = address_of(route.link); !found.empty()) return found;
  }
  for (const auto& link : *links) {
    if (auto found = address_of(link.name); link.up && !found.empty()) return found;
  }
  return errors::bad_request(
      "this host has no IPv4 address besides the loopback's; say which one the node has with "
      "--node-ip");
}

}  // namespace pinnace::cluster
