// Reads the first byte's choice of what a stranger, or whoever writes the server's files, may hand
// in: credentials, policies, tokens, keys, headers.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apiserver/authentication/credential_file.h"
#include "apiserver/authentication/impersonation.h"
#include "apiserver/authentication/issuer_keys.h"
#include "apiserver/authentication/request_header.h"
#include "apiserver/authorization/abac.h"
#include "apiserver/authorization/authorization_config.h"
#include "base/strings.h"
#include "net/jwk.h"

namespace {

using namespace pinnace;  // NOLINT: a program of one function.

net::Headers headers_of(std::string_view text) {
  net::Headers headers;
  for (const std::string_view line : split(text, '\n')) {
    const auto colon = line.find(':');
    if (colon != std::string_view::npos) headers.add(line.substr(0, colon), line.substr(colon + 1));
  }
  return headers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      (void)apiserver::parse_credentials(text);
      break;
    case 1:
      (void)apiserver::Abac::parse(text, "file");
      break;
    case 2:
      (void)net::split_jws(text);
      break;
    case 3:
      if (const auto keys = apiserver::parse_jwks(text)) (void)net::JwkSet::create(*keys);
      break;
    case 4:
      (void)apiserver::user_of_headers({}, headers_of(text));
      (void)apiserver::read_impersonation(headers_of(text));
      break;
    default:
      (void)apiserver::parse_authorization_config(text);
      (void)apiserver::parse_authentication_config(text);
  }
  return 0;
}
