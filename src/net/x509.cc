#include "net/x509.h"

#include <openssl/rand.h>

#include "net/internal/openssl.h"

namespace pinnace::net {
namespace {

using namespace internal;  // NOLINT: these are our own OpenSSL owners.

Unexpected failed(std::string_view what) { return errors::internal(openssl_message(what)); }

Result<KeyPair> to_pem(EVP_PKEY* key) {
  Bio secret(BIO_new(BIO_s_mem())), open(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PKCS8PrivateKey(secret.get(), key, nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      PEM_write_bio_PUBKEY(open.get(), key) != 1)
    return failed("write a key");
  return KeyPair{text_of(secret.get()), text_of(open.get())};
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// Built from values, not from text, so that a name cannot smuggle in another one.
bool add_alternative_names(X509* certificate, const CertificateSpec& spec) {
  GENERAL_NAMES* names = GENERAL_NAMES_new();
  bool good = true;
  auto add = [&](int type, const std::string& bytes) {
    ASN1_STRING* value = type == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
    good = good && ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) == 1;
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, type, value);
    sk_GENERAL_NAME_push(names, name);
  };
  for (const std::string& dns : spec.dns_names) add(GEN_DNS, dns);
  for (const std::string& ip : spec.ip_addresses) {
    ASN1_OCTET_STRING* address = a2i_IPADDRESS(ip.c_str());
    if (address == nullptr) {
      good = false;
      continue;
    }
    add(GEN_IPADD, std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(address)),
                               static_cast<std::size_t>(ASN1_STRING_length(address))));
    ASN1_OCTET_STRING_free(address);
  }
  good = good && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1;
  GENERAL_NAMES_free(names);
  return good;
}

bool set_time(ASN1_TIME* to, WallTime time) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return ASN1_TIME_set(to, static_cast<time_t>(seconds)) != nullptr;
}

bool add_name(X509_NAME* name, const char* field, std::string_view value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool set_serial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // Positive, always 16 bytes.
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  bool good = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return good;
}

// The part that authorities and leaves share: version, serial, names, times, key.
Result<Certificate> begin(EVP_PKEY* key, const CertificateSpec& spec) {
  Certificate made(X509_new());
  X509* x = made.get();
  X509_NAME* subject = X509_get_subject_name(x);
  bool good = X509_set_version(x, 2) == 1 && set_serial(x) &&
              set_time(X509_getm_notBefore(x), spec.not_before) &&
              set_time(X509_getm_notAfter(x), spec.not_after) && X509_set_pubkey(x, key) == 1;
  for (const std::string& organization : spec.organizations)
    good = good && add_name(subject, "O", organization);
  if (!spec.common_name.empty()) good = good && add_name(subject, "CN", spec.common_name);
  if (!good) return failed("make a certificate");
  return made;
}

Result<CertificateAndKey> finish(X509* certificate, EVP_PKEY* key, EVP_PKEY* signer) {
  if (X509_sign(certificate, signer, EVP_sha256()) == 0) return failed("sign a certificate");
  Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) return failed("write a certificate");
  auto pair = to_pem(key);
  if (!pair) return std::unexpected(pair.error());
  return CertificateAndKey{text_of(bio.get()), std::move(pair->private_key_pem)};
}

WallTime from_asn1(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  using namespace std::chrono;
  sys_days day = year(parts.tm_year + 1900) / month(static_cast<unsigned>(parts.tm_mon + 1)) /
                 std::chrono::day(static_cast<unsigned>(parts.tm_mday));
  return day + hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec);
}

}  // namespace

Result<KeyPair> make_ec_key() {
  PrivateKey key(EVP_EC_gen("P-256"));
  if (!key) return failed("make a key");
  return to_pem(key.get());
}

Result<KeyPair> make_rsa_key(int bits) {
  PrivateKey key(EVP_RSA_gen(static_cast<unsigned>(bits)));
  if (!key) return failed("make a key");
  return to_pem(key.get());
}

Result<std::string> public_key_of(std::string_view private_key_pem) {
  auto key = read_private_key(private_key_pem);
  if (!key) return std::unexpected(key.error());
  auto pair = to_pem(key->get());
  if (!pair) return std::unexpected(pair.error());
  return std::move(pair->public_key_pem);
}

Result<CertificateAndKey> make_authority(std::string_view common_name, WallTime not_before,
                                         WallTime not_after) {
  PrivateKey key(EVP_EC_gen("P-256"));
  if (!key) return failed("make a key");
  CertificateSpec spec;
  spec.common_name = std::string(common_name);
  spec.not_before = not_before;
  spec.not_after = not_after;
  auto made = begin(key.get(), spec);
  if (!made) return std::unexpected(made.error());
  X509* x = made->get();
  if (X509_set_issuer_name(x, X509_get_subject_name(x)) != 1 ||
      !add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(x, x, NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign") ||
      !add_extension(x, x, NID_subject_key_identifier, "hash"))
    return failed("make an authority");
  return finish(x, key.get(), key.get());
}

Result<CertificateAndKey> issue_certificate(const CertificateAndKey& authority,
                                            const CertificateSpec& spec) {
  auto signer = read_private_key(authority.private_key_pem);
  if (!signer) return std::unexpected(signer.error());
  auto issuers = read_certificates(authority.certificate_pem);
  if (!issuers) return std::unexpected(issuers.error());
  X509* issuer = issuers->front().get();

  PrivateKey key(EVP_EC_gen("P-256"));
  if (!key) return failed("make a key");
  auto made = begin(key.get(), spec);
  if (!made) return std::unexpected(made.error());
  X509* x = made->get();
  std::string usage;
  if (spec.server) usage = "serverAuth";
  if (spec.client) usage += usage.empty() ? "clientAuth" : ",clientAuth";
  bool good =
      X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
      add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(x, issuer, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
      add_extension(x, issuer, NID_authority_key_identifier, "keyid");
  if (!usage.empty()) good = good && add_extension(x, issuer, NID_ext_key_usage, usage);
  if (!spec.dns_names.empty() || !spec.ip_addresses.empty())
    good = good && add_alternative_names(x, spec);
  if (!good) return failed("issue a certificate for " + spec.common_name);
  return finish(x, key.get(), signer->get());
}

Result<CertificateInfo> inspect_certificate(std::string_view pem) {
  auto certificates = read_certificates(pem);
  if (!certificates) return std::unexpected(certificates.error());
  X509* x = certificates->front().get();
  CertificateInfo info;
  const X509_NAME* subject = X509_get_subject_name(x);
  if (auto names = subject_entries(subject, NID_commonName); !names.empty())
    info.common_name = names.front();
  info.organizations = subject_entries(subject, NID_organizationName);
  if (auto names = subject_entries(X509_get_issuer_name(x), NID_commonName); !names.empty())
    info.issuer_common_name = names.front();
  alternative_names(x, info.dns_names, info.ip_addresses);
  info.not_before = from_asn1(X509_get0_notBefore(x));
  info.not_after = from_asn1(X509_get0_notAfter(x));
  info.is_authority = X509_check_ca(x) > 0;
  unsigned char digest[32];
  unsigned int size = sizeof digest;
  if (X509_digest(x, EVP_sha256(), digest, &size) != 1) return failed("hash a certificate");
  info.sha256.assign(reinterpret_cast<char*>(digest), size);
  return info;
}

bool is_signed_by(std::string_view certificate_pem, std::string_view authority_pem) {
  auto leaf = read_certificates(certificate_pem);
  auto authorities = read_certificates(authority_pem);
  if (!leaf || !authorities) return false;
  for (const Certificate& authority : *authorities) {
    EVP_PKEY* key = X509_get0_pubkey(authority.get());
    if (key != nullptr && X509_check_issued(authority.get(), leaf->front().get()) == X509_V_OK &&
        X509_verify(leaf->front().get(), key) == 1)
      return true;
  }
  ERR_clear_error();
  return false;
}

Result<CertificateInfo> verify_client_chain(std::string_view chain_pem,
                                            std::string_view authority_pem, WallTime now) {
  auto chain = read_certificates(chain_pem);
  if (!chain) return errors::unauthorized(chain.error().message);
  auto authorities = read_certificates(authority_pem);
  if (!authorities) return std::unexpected(authorities.error());
  const std::unique_ptr<X509_STORE, Free<X509_STORE_free>> store(X509_STORE_new());
  for (const Certificate& authority : *authorities) {
    X509_STORE_add_cert(store.get(), authority.get());
  }
  STACK_OF(X509)* between = sk_X509_new_null();
  for (std::size_t i = 1; i < chain->size(); ++i) sk_X509_push(between, (*chain)[i].get());
  const std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), chain->front().get(), between);
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_CLIENT);
  X509_STORE_CTX_set_time(
      context.get(), 0,
      std::chrono::system_clock::to_time_t(
          std::chrono::time_point_cast<std::chrono::system_clock::duration>(now)));
  const bool good = X509_verify_cert(context.get()) == 1;
  const int verdict = X509_STORE_CTX_get_error(context.get());
  sk_X509_free(between);
  ERR_clear_error();
  if (!good) return errors::unauthorized(X509_verify_cert_error_string(verdict));
  return inspect_certificate(chain_pem);
}

}  // namespace pinnace::net
