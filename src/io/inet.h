// IPv4 sockets that do not block: bound, listening or connecting.
//
// Errors: "what address:port: strerror".
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "io/fd.h"
#include "io/ip.h"

namespace pinnace::io {

struct InetAddress {
  Ipv4 ip;
  std::uint16_t port = 0;
  auto operator<=>(const InetAddress&) const = default;
  std::string text() const { return ip.text() + ':' + std::to_string(port); }
};

// Port 0: the kernel chooses; see `local_address`.
Result<UniqueFd> udp_bind(InetAddress address);
Result<UniqueFd> tcp_listen(InetAddress address, int backlog = 128);
// A UDP socket that receives only from `peer`.
Result<UniqueFd> udp_connect(InetAddress peer);
// The connection is being made: the socket is writable when it stands or has failed.
Result<UniqueFd> tcp_connect(InetAddress peer);
// What SO_ERROR says of a connection that was being made; 0: it stands.
int connect_error(int fd);
InetAddress local_address(int fd);

}  // namespace pinnace::io
