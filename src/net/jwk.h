// Public keys of others, as JSON Web Keys have them, and the signatures that they check: RS256/384/
// 512, PS256/384/512 and ES256/384/512.
//
// Why the caller names the algorithms: what a token says of itself is only believed where the
//   caller would have believed it anyway.
// Threads: any, once made. Bounds: keys of 2048 to 8192 bits for RSA; curves P-256, P-384, P-521.
// Source: RFC 7515, 7517, 7518.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pinnace::net {

struct Jwk {
  std::string key_type;  // "RSA", "EC"
  std::string key_id, algorithm;
  std::string n, e;         // Of RSA, big-endian bytes.
  std::string curve, x, y;  // Of EC: "P-256" and so on.
};

// A token taken apart; nothing in it is believed yet.
struct Jws {
  std::string header_json, claims_json, signature;
  std::string_view signed_text;  // Of the token that it was made from.
};
// 401 for what is no compact JWS; at most 64 KiB.
Result<Jws> split_jws(std::string_view token);

class JwkSet {
 public:
  // Keys that cannot be used are left out.
  static std::unique_ptr<JwkSet> create(const std::vector<Jwk>& keys);
  virtual ~JwkSet() = default;
  virtual std::size_t size() const = 0;
  virtual bool has_key(std::string_view key_id) const = 0;
  // Whether a key of this id (any, when it is empty) made the signature by this algorithm.
  virtual bool verify(std::string_view algorithm, std::string_view key_id,
                      std::string_view signed_text, const std::string& signature) const = 0;
};

}  // namespace pinnace::net
