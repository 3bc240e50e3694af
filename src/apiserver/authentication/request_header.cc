#include "apiserver/authentication/request_header.h"

#include <algorithm>

#include "base/strings.h"
#include "net/digest.h"
#include "net/x509.h"

namespace pinnace::apiserver {
namespace {

constexpr Duration kVerifiedFor = std::chrono::minutes(1);

std::string_view first_of(const net::Headers& headers, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (const auto value = headers.get(name); !value.empty()) return value;
  }
  return {};
}

}  // namespace

std::optional<User> user_of_headers(const RequestHeaderSettings& settings,
                                    const net::Headers& headers) {
  User user;
  user.name = first_of(headers, settings.username_headers);
  if (user.name.empty()) return {};
  user.uid = first_of(headers, settings.uid_headers);
  for (const auto& name : settings.group_headers) {
    for (const auto group : headers.get_all(name)) user.groups.emplace_back(group);
  }
  for (const auto& prefix : settings.extra_header_prefixes) {
    for (const auto& [name, value] : headers.all()) {
      if (!name.starts_with(prefix) || name.size() == prefix.size()) continue;
      const std::string key = name.substr(prefix.size());
      // A key may hold what a header's name may not.
      user.extra[to_lower(percent_decode(key).value_or(key))].push_back(value);
    }
  }
  return user;
}

Result<std::string> RequestHeader::proxy_name(const net::Peer& peer) {
  if (!peer.certificate_details || peer.certificate_details->chain_pem.empty()) {
    return errors::unauthorized();
  }
  const std::string& chain = peer.certificate_details->chain_pem;
  const std::string key = net::sha256(chain);
  const MonotonicTime now = clock_.monotonic();
  if (auto known = verified_.get(key, now)) return std::move(*known);
  auto info = net::verify_client_chain(chain, authority_pem_, clock_.wall());
  if (!info) return std::unexpected(std::move(info.error()));
  verified_.put(key, info->common_name, now + kVerifiedFor);
  return std::move(info->common_name);
}

Result<std::optional<User>> RequestHeader::authenticate(const net::Request& request) {
  auto user = user_of_headers(settings_, request.headers);
  if (!user) return std::optional<User>();
  const auto name = proxy_name(request.peer);
  if (!name) return std::unexpected(name.error());
  const auto& allowed = settings_.allowed_names;
  if (!allowed.empty() && std::ranges::find(allowed, *name) == allowed.end()) {
    return errors::unauthorized();
  }
  return user;
}

}  // namespace pinnace::apiserver
