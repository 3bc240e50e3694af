#include "net/jwk.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/strings.h"
#include "net/internal/openssl.h"

namespace pinnace::net {
namespace {

using namespace internal;  // NOLINT: these are our own OpenSSL owners.

constexpr std::size_t kMaxTokenBytes = 64 << 10;
constexpr int kMinRsaBits = 2048, kMaxRsaBits = 8192;

using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

struct Algorithm {
  std::string_view name;
  const EVP_MD* (*digest)();
  bool is_pss;
  std::string_view curve;  // Empty: RSA.
};
const Algorithm kAlgorithms[] = {
    {"RS256", EVP_sha256, false, ""},      {"RS384", EVP_sha384, false, ""},
    {"RS512", EVP_sha512, false, ""},      {"PS256", EVP_sha256, true, ""},
    {"PS384", EVP_sha384, true, ""},       {"PS512", EVP_sha512, true, ""},
    {"ES256", EVP_sha256, false, "P-256"}, {"ES384", EVP_sha384, false, "P-384"},
    {"ES512", EVP_sha512, false, "P-521"}};

struct Curve {
  std::string_view name;
  const char* group;
  std::size_t coordinate_bytes;
};
constexpr Curve kCurves[] = {
    {"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}};

const Curve* find_curve(std::string_view name) {
  for (const Curve& curve : kCurves) {
    if (curve.name == name) return &curve;
  }
  return nullptr;
}

Number number_of(const std::string& bytes) {
  return Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                          static_cast<int>(bytes.size()), nullptr));
}

PrivateKey key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  const bool good =
      parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1;
  ERR_clear_error();
  return PrivateKey(good ? key : nullptr);
}

PrivateKey rsa_key(const Jwk& jwk) {
  if (jwk.n.size() * 8 > kMaxRsaBits + 8 || jwk.e.size() > 8) return nullptr;
  const Number n = number_of(jwk.n), e = number_of(jwk.e);
  const Builder builder(OSSL_PARAM_BLD_new());
  const bool good = OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
                    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1;
  PrivateKey key = good ? key_from("RSA", builder.get()) : nullptr;
  if (!key || EVP_PKEY_get_bits(key.get()) < kMinRsaBits) return nullptr;
  return key;
}

PrivateKey ec_key(const Jwk& jwk) {
  const Curve* curve = find_curve(jwk.curve);
  if (curve == nullptr || jwk.x.size() > curve->coordinate_bytes ||
      jwk.y.size() > curve->coordinate_bytes) {
    return nullptr;
  }
  const auto padded = [&](const std::string& bytes) {
    return std::string(curve->coordinate_bytes - bytes.size(), '\0') + bytes;
  };
  const std::string point = '\x04' + padded(jwk.x) + padded(jwk.y);
  const Builder builder(OSSL_PARAM_BLD_new());
  const bool good = OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                                    curve->group, 0) == 1 &&
                    OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                                     point.data(), point.size()) == 1;
  return good ? key_from("EC", builder.get()) : nullptr;
}

// JOSE has r and s side by side where OpenSSL has DER.
std::string der_from_raw(const std::string& raw, std::size_t coordinate_bytes) {
  if (raw.size() != 2 * coordinate_bytes) return {};
  const Signature made(ECDSA_SIG_new());
  Number r = number_of(raw.substr(0, coordinate_bytes));
  Number s = number_of(raw.substr(coordinate_bytes));
  ECDSA_SIG_set0(made.get(), r.release(), s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(made.get(), &der);
  std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(std::max(size, 0)));
  OPENSSL_free(der);
  return bytes;
}

bool is_right(EVP_PKEY* key, const Algorithm& algorithm, std::string_view text,
              const std::string& signature) {
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  bool good =
      EVP_DigestVerifyInit(context.get(), &parameters, algorithm.digest(), nullptr, key) == 1;
  if (good && algorithm.is_pss) {
    good = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  good = good &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                          text.size()) == 1;
  ERR_clear_error();
  return good;
}

struct Key {
  PrivateKey key;
  std::string id, algorithm, curve;
};

class Set final : public JwkSet {
 public:
  explicit Set(std::vector<Key> keys) : keys_(std::move(keys)) {}
  std::size_t size() const override { return keys_.size(); }

  bool has_key(std::string_view key_id) const override {
    for (const Key& key : keys_) {
      if (key.id == key_id) return true;
    }
    return false;
  }

  bool verify(std::string_view name, std::string_view key_id, std::string_view text,
              const std::string& signature) const override {
    const Algorithm* algorithm = nullptr;
    for (const Algorithm& each : kAlgorithms) {
      if (each.name == name) algorithm = &each;
    }
    if (algorithm == nullptr) return false;
    std::string encoded = signature;
    if (!algorithm->curve.empty()) {
      encoded = der_from_raw(signature, find_curve(algorithm->curve)->coordinate_bytes);
    }
    for (const Key& key : keys_) {
      const bool fits = key.curve == algorithm->curve &&
                        (key_id.empty() || key.id.empty() || key.id == key_id) &&
                        (key.algorithm.empty() || key.algorithm == name);
      if (fits && !encoded.empty() && is_right(key.key.get(), *algorithm, text, encoded)) {
        return true;
      }
    }
    return false;
  }

 private:
  std::vector<Key> keys_;
};

}  // namespace

Result<Jws> split_jws(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return errors::unauthorized("token is too long");
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  const bool has_three = first != token.npos && last != first && token.find('.', first + 1) == last;
  if (!has_three) return errors::unauthorized("not a signed token");
  auto header = base64url_decode(token.substr(0, first));
  auto claims = base64url_decode(token.substr(first + 1, last - first - 1));
  auto signature = base64url_decode(token.substr(last + 1));
  if (!header || !claims || !signature) return errors::unauthorized("not a signed token");
  return Jws{std::move(*header), std::move(*claims), std::move(*signature), token.substr(0, last)};
}

std::unique_ptr<JwkSet> JwkSet::create(const std::vector<Jwk>& keys) {
  std::vector<Key> usable;
  for (const Jwk& jwk : keys) {
    PrivateKey key = jwk.key_type == "RSA"  ? rsa_key(jwk)
                     : jwk.key_type == "EC" ? ec_key(jwk)
                                            : nullptr;
    if (key) usable.push_back({std::move(key), jwk.key_id, jwk.algorithm, jwk.curve});
  }
  return std::make_unique<Set>(std::move(usable));
}

}  // namespace pinnace::net
