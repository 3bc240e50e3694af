#include "dns/resolv_conf.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::dns {

std::vector<io::InetAddress> parse_resolv_conf(std::string_view text,
                                               const std::vector<io::Ipv4>& own) {
  constexpr std::size_t kMaxServers = 3;
  constexpr std::string_view kKeyword = "nameserver";
  std::vector<io::InetAddress> servers;
  for (const auto line : split(text, '\n')) {
    const auto words = trim(line);
    if (!words.starts_with(kKeyword) || servers.size() == kMaxServers) continue;
    const auto rest = words.substr(kKeyword.size());
    const auto ip = io::Ipv4::parse(trim(rest));
    if (!ip || rest == trim(rest) || std::ranges::find(own, *ip) != own.end()) continue;
    servers.push_back({*ip, 53});
  }
  return servers;
}

}  // namespace pinnace::dns
