// JSON Web Tokens signed with ES256 (P-256 keys) or RS256 (RSA keys).
//
// Why no algorithm is read from a token: the key decides it, so that there is nothing to confuse.
// Claims are JSON text that the caller makes and reads; times in them are the caller's to check.
// Threads: any, once made. Bounds: a token longer than 64 KiB is refused.
// Source: RFC 7515, 7517, 7519; the key id is Kubernetes' (hash of the public key's DER form).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pinnace::net {

class JwtSigner {
 public:
  static Result<std::unique_ptr<JwtSigner>> create(std::string_view private_key_pem);
  virtual ~JwtSigner() = default;
  virtual const std::string& key_id() const = 0;
  virtual Result<std::string> sign(std::string_view claims_json) const = 0;
};

class JwtVerifier {
 public:
  // Any of these public keys will do.
  static Result<std::unique_ptr<JwtVerifier>> create(
      const std::vector<std::string>& public_keys_pem);
  virtual ~JwtVerifier() = default;
  // The claims' JSON text if the signature is right, else 401.
  virtual Result<std::string> verify(std::string_view token) const = 0;
  virtual bool has_key(std::string_view key_id) const = 0;
  // {"keys":[...]} with alg, kid, kty, use and the numbers of each key.
  virtual const std::string& jwks_json() const = 0;
};

}  // namespace pinnace::net
