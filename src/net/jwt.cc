#include "net/jwt.h"

#include <algorithm>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>

#include "base/strings.h"
#include "net/digest.h"
#include "net/internal/openssl.h"

namespace pinnace::net {
namespace {

using namespace internal;  // NOLINT: these are our own OpenSSL owners.

constexpr std::size_t kMaxTokenBytes = 64 << 10;
constexpr int kCoordinateBytes = 32;

using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

struct Key {
  PrivateKey key;
  bool ec = false;
  std::string id;
  const char* algorithm() const { return ec ? "ES256" : "RS256"; }
};

// As Kubernetes has it: base64url of SHA-256 over the SubjectPublicKeyInfo.
std::string key_id_of(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  int size = i2d_PUBKEY(key, &der);
  std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(std::max(size, 0)));
  OPENSSL_free(der);
  return base64url_encode(sha256(bytes));
}

Result<Key> describe(PrivateKey raw) {
  Key key;
  if (EVP_PKEY_is_a(raw.get(), "EC")) {
    char group[64] = "";
    EVP_PKEY_get_group_name(raw.get(), group, sizeof group, nullptr);
    if (std::string_view(group) != "prime256v1" && std::string_view(group) != "P-256")
      return errors::bad_request("an EC key for tokens must be on P-256");
    key.ec = true;
  } else if (!EVP_PKEY_is_a(raw.get(), "RSA") || EVP_PKEY_get_bits(raw.get()) < 2048) {
    return errors::bad_request("a key for tokens must be EC P-256 or RSA of 2048 bits or more");
  }
  key.id = key_id_of(raw.get());
  key.key = std::move(raw);
  return key;
}

// JOSE has r and s side by side where OpenSSL has DER.
std::string raw_from_der(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  Signature parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  std::string raw(2 * kCoordinateBytes, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  if (!parsed || BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), out, kCoordinateBytes) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), out + kCoordinateBytes, kCoordinateBytes) < 0)
    return {};
  return raw;
}

std::string der_from_raw(const std::string& raw) {
  if (raw.size() != 2 * kCoordinateBytes) return {};
  const auto* in = reinterpret_cast<const unsigned char*>(raw.data());
  Signature made(ECDSA_SIG_new());
  ECDSA_SIG_set0(made.get(), BN_bin2bn(in, kCoordinateBytes, nullptr),
                 BN_bin2bn(in + kCoordinateBytes, kCoordinateBytes, nullptr));
  unsigned char* der = nullptr;
  int size = i2d_ECDSA_SIG(made.get(), &der);
  std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(std::max(size, 0)));
  OPENSSL_free(der);
  return bytes;
}

class Signer final : public JwtSigner {
 public:
  explicit Signer(Key key) : key_(std::move(key)) {}
  const std::string& key_id() const override { return key_.id; }

  Result<std::string> sign(std::string_view claims) const override {
    std::string header = std::string("{\"alg\":\"") + key_.algorithm() + "\",\"kid\":\"" + key_.id +
                         "\",\"typ\":\"JWT\"}";
    std::string text = base64url_encode(header) + "." + base64url_encode(claims);
    DigestContext context(EVP_MD_CTX_new());
    std::size_t size = 0;
    const auto* in = reinterpret_cast<const unsigned char*>(text.data());
    bool good =
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.key.get()) == 1 &&
        EVP_DigestSign(context.get(), nullptr, &size, in, text.size()) == 1;
    std::string signature(size, '\0');
    good = good && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                                  &size, in, text.size()) == 1;
    if (!good) return errors::internal(openssl_message("sign a token"));
    signature.resize(size);
    if (key_.ec) signature = raw_from_der(signature);
    return text + "." + base64url_encode(signature);
  }

 private:
  Key key_;
};

std::string number_parameter(EVP_PKEY* key, const char* name, int width) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return {};
  std::string bytes(static_cast<std::size_t>(width > 0 ? width : BN_num_bytes(number)), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()),
               static_cast<int>(bytes.size()));
  BN_free(number);
  return base64url_encode(bytes);
}

std::string jwk_of(const Key& key) {
  EVP_PKEY* raw = key.key.get();
  std::string text = std::string("{\"use\":\"sig\",\"kty\":\"") + (key.ec ? "EC" : "RSA") +
                     "\",\"kid\":\"" + key.id + "\",\"alg\":\"" + key.algorithm() + "\",";
  if (key.ec)
    return text + "\"crv\":\"P-256\",\"x\":\"" +
           number_parameter(raw, OSSL_PKEY_PARAM_EC_PUB_X, kCoordinateBytes) + "\",\"y\":\"" +
           number_parameter(raw, OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinateBytes) + "\"}";
  return text + "\"n\":\"" + number_parameter(raw, OSSL_PKEY_PARAM_RSA_N, 0) + "\",\"e\":\"" +
         number_parameter(raw, OSSL_PKEY_PARAM_RSA_E, 0) + "\"}";
}

bool verifies(const Key& key, std::string_view text, const std::string& signature) {
  std::string encoded = key.ec ? der_from_raw(signature) : signature;
  if (encoded.empty()) return false;
  DigestContext context(EVP_MD_CTX_new());
  bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.key.get()) == 1 &&
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(encoded.data()),
                       encoded.size(), reinterpret_cast<const unsigned char*>(text.data()),
                       text.size()) == 1;
  ERR_clear_error();
  return good;
}

class Verifier final : public JwtVerifier {
 public:
  explicit Verifier(std::vector<Key> keys) : keys_(std::move(keys)) {
    for (const Key& key : keys_) jwks_ += (jwks_.empty() ? "" : ",") + jwk_of(key);
    jwks_ = "{\"keys\":[" + jwks_ + "]}";
  }

  Result<std::string> verify(std::string_view token) const override {
    if (token.size() > kMaxTokenBytes) return errors::unauthorized("token is too long");
    auto last = token.rfind('.');
    auto first = token.find('.');
    if (first == std::string_view::npos || first == last)
      return errors::unauthorized("not a signed token");
    auto signature = base64url_decode(token.substr(last + 1));
    auto claims = base64url_decode(token.substr(first + 1, last - first - 1));
    if (!signature || !claims) return errors::unauthorized("not a signed token");
    for (const Key& key : keys_)
      if (verifies(key, token.substr(0, last), *signature)) return std::move(*claims);
    return errors::unauthorized("the token's signature is not of a known key");
  }

  bool has_key(std::string_view key_id) const override {
    return std::ranges::any_of(keys_, [&](const Key& key) { return key.id == key_id; });
  }

  const std::string& jwks_json() const override { return jwks_; }

 private:
  std::vector<Key> keys_;
  std::string jwks_;
};

}  // namespace

Result<std::unique_ptr<JwtSigner>> JwtSigner::create(std::string_view private_key_pem) {
  auto raw = read_private_key(private_key_pem);
  if (!raw) return std::unexpected(raw.error());
  auto key = describe(std::move(*raw));
  if (!key) return std::unexpected(key.error());
  return std::make_unique<Signer>(std::move(*key));
}

Result<std::unique_ptr<JwtVerifier>> JwtVerifier::create(
    const std::vector<std::string>& public_keys_pem) {
  std::vector<Key> keys;
  for (const std::string& pem : public_keys_pem) {
    auto raw = read_public_key(pem);
    if (!raw) return std::unexpected(raw.error());
    auto key = describe(std::move(*raw));
    if (!key) return std::unexpected(key.error());
    keys.push_back(std::move(*key));
  }
  return std::make_unique<Verifier>(std::move(keys));
}

}  // namespace pinnace::net
