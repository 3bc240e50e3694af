#include "net/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

namespace pinnace::net {
namespace {

// To look an algorithm up takes longer than to run it over a token.
struct Algorithm {
  explicit Algorithm(const char* name) : kind(EVP_MD_fetch(nullptr, name, nullptr)) {
    PINNACE_ASSERT(kind != nullptr);
  }
  EVP_MD* const kind;  // As long as the process.
};

std::string digest(const EVP_MD* kind, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  PINNACE_ASSERT(EVP_Digest(bytes.data(), bytes.size(), out, &size, kind, nullptr) == 1);
  return std::string(reinterpret_cast<char*>(out), size);
}

}  // namespace

std::string sha1(std::string_view bytes) {
  static const Algorithm kSha1("SHA1");
  return digest(kSha1.kind, bytes);
}

std::string sha256(std::string_view bytes) {
  static const Algorithm kSha256("SHA256");
  return digest(kSha256.kind, bytes);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  PINNACE_ASSERT(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out,
                      &size) != nullptr);
  return std::string(reinterpret_cast<char*>(out), size);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace pinnace::net
