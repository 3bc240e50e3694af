// Requests and authorities for tests, in the forms in which they stand in objects.
#pragma once

#include <string>

#include "base/strings.h"
#include "net/certificate_request.h"

namespace pinnace::apiserver::testing {

// spec.request of a CertificateSigningRequest, with a new key.
inline std::string signing_request(const net::CertificateSpec& spec = {.common_name = "jane"}) {
  return base64_encode(net::make_request(net::make_ec_key()->private_key_pem, spec).value());
}

// spec.trustBundle of a ClusterTrustBundle, as JSON without its quotes.
inline std::string trust_anchor() {
  constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};
  const auto pem =
      net::make_authority("test", kNow, kNow + std::chrono::hours(1)).value().certificate_pem;
  std::string text;
  for (const char letter : pem) text += letter == '\n' ? "\\n" : std::string(1, letter);
  return text;
}

}  // namespace pinnace::apiserver::testing
