// RequestHeader believes what an authenticating proxy says about its user, when the proxy shows a
// certificate of the authority that is set for that.
//
// Threads: any. Bounds: remembers kMaxProxies verified chains; a chain is verified again after a
//   minute.
// Source: kubernetes.io/docs/reference/access-authn-authz/authentication, "Authenticating Proxy".
#pragma once

#include <string>
#include <vector>

#include "apiserver/authentication/user.h"
#include "apiserver/configuration.h"
#include "apiserver/http/expiring_cache.h"
#include "base/clock.h"
#include "net/http.h"

namespace pinnace::apiserver {

class RequestHeader {
 public:
  static constexpr std::size_t kMaxProxies = 64;
  RequestHeader(RequestHeaderSettings settings, std::string authority_pem, const Clock& clock)
      : settings_(std::move(settings)),
        authority_pem_(std::move(authority_pem)),
        clock_(clock),
        verified_(kMaxProxies) {}

  // Nothing when the request does not come through a proxy; an Error for headers whose sender is
  // not to be believed.
  Result<std::optional<User>> authenticate(const net::Request& request);

 private:
  Result<std::string> proxy_name(const net::Peer& peer);

  const RequestHeaderSettings settings_;
  const std::string authority_pem_;
  const Clock& clock_;
  ExpiringCache<std::string> verified_;  // Chain's hash → the proxy's common name.
};

// What the headers say, whoever sent them; nothing without a user's name.
std::optional<User> user_of_headers(const RequestHeaderSettings& settings,
                                    const net::Headers& headers);

}  // namespace pinnace::apiserver
