#include "net/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

namespace pinnace::net {
namespace {

// For as long as the process. EVP_sha256() and its like are looked for again with each digest.
const EVP_MD* look_up(const char* name) {
  const EVP_MD* const kind = EVP_MD_fetch(nullptr, name, nullptr);
  PINNACE_ASSERT(kind != nullptr);
  return kind;
}

const EVP_MD* sha256_kind() {
  static const EVP_MD* const kKind = look_up("SHA256");
  return kKind;
}

std::string digest(const EVP_MD* kind, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  PINNACE_ASSERT(EVP_Digest(bytes.data(), bytes.size(), out, &size, kind, nullptr) == 1);
  return std::string(reinterpret_cast<char*>(out), size);
}

}  // namespace

std::string sha1(std::string_view bytes) {
  static const EVP_MD* const kKind = look_up("SHA1");
  return digest(kKind, bytes);
}

std::string sha256(std::string_view bytes) { return digest(sha256_kind(), bytes); }

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  PINNACE_ASSERT(HMAC(sha256_kind(), key.data(), static_cast<int>(key.size()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out,
                      &size) != nullptr);
  return std::string(reinterpret_cast<char*>(out), size);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace pinnace::net
