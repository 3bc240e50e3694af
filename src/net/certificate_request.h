// Certificate requests (PKCS #10): what somebody else's would name, how an authority answers one,
// and how we make our own.
//
// Threads: any. Errors: 400 for text that is no request, 500 if OpenSSL fails.
// Source: RFC 2986; certificates.k8s.io for what is called how.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "net/x509.h"

namespace pinnace::net {

struct CertificateRequest {
  std::string common_name;                 // The last one; a certificate gets no other.
  std::vector<std::string> organizations;  // Which become a user's groups.
  std::vector<std::string> dns_names, ip_addresses, email_addresses, uris;
};
// Of a request whose signature shows that whoever made it holds its key.
Result<CertificateRequest> inspect_request(std::string_view pem);

struct SigningTerms {
  WallTime not_before, not_after;
  std::vector<std::string> usages;  // "client auth", "digital signature"...
};
// The certificate: the request's key, the well-known parts of its subject and its alternative
// names; never an authority. Other extensions that it asks for are left out.
Result<std::string> sign_request(const CertificateAndKey& authority, std::string_view request_pem,
                                 const SigningTerms& terms);

// A request for this key; of `spec` only the names count.
Result<std::string> make_request(std::string_view private_key_pem, const CertificateSpec& spec);

// Whether the (first) certificate is of this key.
bool is_pair(std::string_view certificate_pem, std::string_view private_key_pem);

}  // namespace pinnace::net
