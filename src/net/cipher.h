// Authenticated and plain ciphers over whole texts, as encryption at rest needs them.
//
// Threads: any. Errors: 400 for a key of a wrong length, 500 for bytes that do not open; which of
//   key, bytes or associated data was wrong cannot be told apart.
// Source: NIST SP 800-38D (GCM), RFC 5869 (HKDF), NaCl's crypto_secretbox (XSalsa20-Poly1305).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pinnace::net {

// From the kernel's generator, by way of OpenSSL's.
std::string random_bytes(std::size_t count);

// AES-GCM: 12 bytes of nonce, the ciphertext, 16 bytes of tag. Keys of 16, 24 or 32 bytes.
// Bounds: with random nonces a key is good for 2^32 texts: two share a nonce with a chance below
//   2^-32.
inline constexpr std::size_t kGcmNonceBytes = 12;
Result<std::string> aes_gcm_seal(std::string_view key, std::string_view nonce,
                                 std::string_view plain, std::string_view associated);
Result<std::string> aes_gcm_open(std::string_view key, std::string_view sealed,
                                 std::string_view associated);

// AES-CBC with PKCS#7 padding: 16 bytes of initial vector, the ciphertext. Authenticates nothing.
Result<std::string> aes_cbc_seal(std::string_view key, std::string_view plain);
Result<std::string> aes_cbc_open(std::string_view key, std::string_view sealed);

// XSalsa20-Poly1305: 24 bytes of nonce, 16 bytes of tag, the ciphertext. Keys of 32 bytes.
inline constexpr std::size_t kSecretboxNonceBytes = 24;
Result<std::string> secretbox_seal(std::string_view key, std::string_view nonce,
                                   std::string_view plain);
Result<std::string> secretbox_open(std::string_view key, std::string_view sealed);

// HKDF-Expand with SHA-256: at most 8,160 bytes out of a key that is uniform already.
std::string hkdf_expand_sha256(std::string_view key, std::string_view info, std::size_t bytes);

}  // namespace pinnace::net
