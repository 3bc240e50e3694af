// The name servers of a resolv.conf(5).
#pragma once

#include <string_view>
#include <vector>

#include "io/inet.h"

namespace pinnace::dns {

// IPv4 servers in order, at most 3 as libc reads; those in `own` are left out, because asking
// ourselves would never end.
std::vector<io::InetAddress> parse_resolv_conf(std::string_view text,
                                               const std::vector<io::Ipv4>& own = {});

}  // namespace pinnace::dns
