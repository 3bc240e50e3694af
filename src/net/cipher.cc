#include "net/cipher.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/assert.h"
#include "net/digest.h"
#include "net/internal/openssl.h"
#include "net/internal/salsa20.h"

namespace pinnace::net {

namespace {

constexpr std::size_t kGcmTagBytes = 16;
constexpr std::size_t kCbcBlockBytes = 16;
constexpr std::size_t kPolyTagBytes = 16;
constexpr std::size_t kPolyKeyBytes = 32;
// OpenSSL counts in int; nothing that is kept comes near it.
constexpr std::size_t kMaxTextBytes = 1u << 30;

using Context = std::unique_ptr<EVP_CIPHER_CTX, internal::Free<EVP_CIPHER_CTX_free>>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
int length_of(std::string_view text) { return static_cast<int>(text.size()); }

Unexpected does_not_open() {
  ERR_clear_error();
  return errors::internal("the value does not decrypt: wrong key, or damaged");
}

const EVP_CIPHER* cipher_for(std::size_t key_bytes, bool gcm) {
  switch (key_bytes) {
    case 16:
      return gcm ? EVP_aes_128_gcm() : EVP_aes_128_cbc();
    case 24:
      return gcm ? EVP_aes_192_gcm() : EVP_aes_192_cbc();
    case 32:
      return gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
    default:
      return nullptr;
  }
}

Unexpected bad_key(std::size_t bytes) {
  return errors::bad_request("a key of " + std::to_string(bytes) + " bytes");
}

std::string poly1305(std::string_view key, std::string_view text) {
  using Mac = std::unique_ptr<EVP_MAC, internal::Free<EVP_MAC_free>>;
  using MacContext = std::unique_ptr<EVP_MAC_CTX, internal::Free<EVP_MAC_CTX_free>>;
  const Mac mac(EVP_MAC_fetch(nullptr, "POLY1305", nullptr));
  const MacContext context(EVP_MAC_CTX_new(mac.get()));
  std::string tag(kPolyTagBytes, '\0');
  std::size_t size = 0;
  PINNACE_ASSERT(EVP_MAC_init(context.get(), bytes_of(key), key.size(), nullptr) == 1 &&
                 EVP_MAC_update(context.get(), bytes_of(text), text.size()) == 1 &&
                 EVP_MAC_final(context.get(), bytes_of(tag), &size, tag.size()) == 1);
  return tag;
}

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  PINNACE_ASSERT(RAND_bytes(bytes_of(bytes), static_cast<int>(count)) == 1);
  return bytes;
}

Result<std::string> aes_gcm_seal(std::string_view key, std::string_view nonce,
                                 std::string_view plain, std::string_view associated) {
  const EVP_CIPHER* cipher = cipher_for(key.size(), true);
  if (cipher == nullptr) return bad_key(key.size());
  PINNACE_ASSERT(nonce.size() == kGcmNonceBytes && plain.size() <= kMaxTextBytes);
  std::string out(kGcmNonceBytes + plain.size() + kGcmTagBytes, '\0');
  out.replace(0, kGcmNonceBytes, nonce);
  unsigned char* const text = bytes_of(out) + kGcmNonceBytes;
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  PINNACE_ASSERT(
      EVP_EncryptInit_ex(context.get(), cipher, nullptr, bytes_of(key), bytes_of(nonce)) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &size, bytes_of(associated),
                        length_of(associated)) == 1 &&
      EVP_EncryptUpdate(context.get(), text, &size, bytes_of(plain), length_of(plain)) == 1 &&
      EVP_EncryptFinal_ex(context.get(), text + size, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kGcmTagBytes, text + plain.size()) ==
          1);
  return out;
}

Result<std::string> aes_gcm_open(std::string_view key, std::string_view sealed,
                                 std::string_view associated) {
  const EVP_CIPHER* cipher = cipher_for(key.size(), true);
  if (cipher == nullptr) return bad_key(key.size());
  if (sealed.size() < kGcmNonceBytes + kGcmTagBytes || sealed.size() > kMaxTextBytes) {
    return does_not_open();
  }
  const std::string_view nonce = sealed.substr(0, kGcmNonceBytes);
  std::string tag(sealed.substr(sealed.size() - kGcmTagBytes));
  sealed = sealed.substr(kGcmNonceBytes, sealed.size() - kGcmNonceBytes - kGcmTagBytes);
  std::string plain(sealed.size(), '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool opened =
      EVP_DecryptInit_ex(context.get(), cipher, nullptr, bytes_of(key), bytes_of(nonce)) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &size, bytes_of(associated),
                        length_of(associated)) == 1 &&
      EVP_DecryptUpdate(context.get(), bytes_of(plain), &size, bytes_of(sealed),
                        length_of(sealed)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kGcmTagBytes, bytes_of(tag)) == 1 &&
      EVP_DecryptFinal_ex(context.get(), bytes_of(plain) + size, &size) == 1;
  if (!opened) return does_not_open();
  return plain;
}

Result<std::string> aes_cbc_seal(std::string_view key, std::string_view plain) {
  const EVP_CIPHER* cipher = cipher_for(key.size(), false);
  if (cipher == nullptr) return bad_key(key.size());
  PINNACE_ASSERT(plain.size() <= kMaxTextBytes);
  std::string out = random_bytes(kCbcBlockBytes);
  const std::string vector = out;
  out.resize(kCbcBlockBytes + plain.size() + kCbcBlockBytes);
  unsigned char* const text = bytes_of(out) + kCbcBlockBytes;
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0, last = 0;
  PINNACE_ASSERT(
      EVP_EncryptInit_ex(context.get(), cipher, nullptr, bytes_of(key), bytes_of(vector)) == 1 &&
      EVP_EncryptUpdate(context.get(), text, &size, bytes_of(plain), length_of(plain)) == 1 &&
      EVP_EncryptFinal_ex(context.get(), text + size, &last) == 1);
  out.resize(kCbcBlockBytes + static_cast<std::size_t>(size + last));
  return out;
}

Result<std::string> aes_cbc_open(std::string_view key, std::string_view sealed) {
  const EVP_CIPHER* cipher = cipher_for(key.size(), false);
  if (cipher == nullptr) return bad_key(key.size());
  if (sealed.size() < 2 * kCbcBlockBytes || sealed.size() % kCbcBlockBytes != 0 ||
      sealed.size() > kMaxTextBytes) {
    return does_not_open();
  }
  const std::string_view vector = sealed.substr(0, kCbcBlockBytes);
  sealed.remove_prefix(kCbcBlockBytes);
  std::string plain(sealed.size() + kCbcBlockBytes, '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0, last = 0;
  const bool opened =
      EVP_DecryptInit_ex(context.get(), cipher, nullptr, bytes_of(key), bytes_of(vector)) == 1 &&
      EVP_DecryptUpdate(context.get(), bytes_of(plain), &size, bytes_of(sealed),
                        length_of(sealed)) == 1 &&
      EVP_DecryptFinal_ex(context.get(), bytes_of(plain) + size, &last) == 1;
  if (!opened) return does_not_open();
  plain.resize(static_cast<std::size_t>(size + last));
  return plain;
}

// The stream's first 32 bytes are the tag's key; the text takes what follows.
Result<std::string> secretbox_seal(std::string_view key, std::string_view nonce,
                                   std::string_view plain) {
  if (key.size() != 32) return bad_key(key.size());
  const std::string stream =
      internal::xsalsa20(key, nonce, std::string(kPolyKeyBytes, '\0') + std::string(plain));
  const std::string_view sealed = std::string_view(stream).substr(kPolyKeyBytes);
  std::string out(nonce);
  out += poly1305(std::string_view(stream).substr(0, kPolyKeyBytes), sealed);
  return out += sealed;
}

Result<std::string> secretbox_open(std::string_view key, std::string_view sealed) {
  if (key.size() != 32) return bad_key(key.size());
  if (sealed.size() < kSecretboxNonceBytes + kPolyTagBytes) return does_not_open();
  const std::string_view nonce = sealed.substr(0, kSecretboxNonceBytes);
  const std::string_view tag = sealed.substr(kSecretboxNonceBytes, kPolyTagBytes);
  sealed.remove_prefix(kSecretboxNonceBytes + kPolyTagBytes);
  const std::string stream =
      internal::xsalsa20(key, nonce, std::string(kPolyKeyBytes, '\0') + std::string(sealed));
  const std::string expected = poly1305(std::string_view(stream).substr(0, kPolyKeyBytes), sealed);
  if (!equal_in_constant_time(tag, expected)) return does_not_open();
  return stream.substr(kPolyKeyBytes);
}

std::string hkdf_expand_sha256(std::string_view key, std::string_view info, std::size_t bytes) {
  std::string out, block;
  PINNACE_ASSERT(bytes <= 255 * 32u);
  for (char count = 1; out.size() < bytes; ++count) {
    block = hmac_sha256(key, block + std::string(info) + count);
    out += block;
  }
  out.resize(bytes);
  return out;
}

}  // namespace pinnace::net
