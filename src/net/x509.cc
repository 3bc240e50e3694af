#include "net/x509.h"

#include "net/internal/certificate_parts.h"
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

// The part that authorities and leaves share: version, serial, names, times, key.
Result<Certificate> begin(EVP_PKEY* key, const CertificateSpec& spec) {
  Certificate made(X509_new());
  X509* x = made.get();
  X509_NAME* subject = X509_get_subject_name(x);
  bool good = X509_set_version(x, 2) == 1 && set_serial(x) &&
              set_time(X509_getm_notBefore(x), spec.not_before) &&
              set_time(X509_getm_notAfter(x), spec.not_after) && X509_set_pubkey(x, key) == 1;
  for (const std::string& organization : spec.organizations)
    good = good && add_name(subject, NID_organizationName, organization);
  if (!spec.common_name.empty()) good = good && add_name(subject, NID_commonName, spec.common_name);
  if (!good) return failed("make a certificate");
  return made;
}

Result<CertificateAndKey> finish(X509* certificate, EVP_PKEY* key, EVP_PKEY* signer) {
  if (X509_sign(certificate, signer, digest_for(signer)) == 0) return failed("sign a certificate");
  Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) return failed("write a certificate");
  auto pair = to_pem(key);
  if (!pair) return std::unexpected(pair.error());
  return CertificateAndKey{text_of(bio.get()), std::move(pair->private_key_pem)};
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
  if (const AlternativeNames names{spec.dns_names, spec.ip_addresses, {}, {}}; !names.empty()) {
    const GeneralNames list = general_names(names);
    good = good && list && X509_add1_ext_i2d(x, NID_subject_alt_name, list.get(), 0, 0) == 1;
  }
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
  auto names = alternative_names(x);
  info.dns_names = std::move(names.dns);
  info.ip_addresses = std::move(names.ip);
  info.not_before = time_of(X509_get0_notBefore(x));
  info.not_after = time_of(X509_get0_notAfter(x));
  info.is_authority = X509_check_ca(x) > 0;
  unsigned char digest[32];
  unsigned int size = sizeof digest;
  if (X509_digest(x, EVP_sha256(), digest, &size) != 1) return failed("hash a certificate");
  info.sha256.assign(reinterpret_cast<char*>(digest), size);
  return info;
}

std::vector<PemBlock> pem_blocks(std::string_view pem) {
  std::vector<PemBlock> blocks;
  const Bio bio = bio_of(pem);
  char *name = nullptr, *header = nullptr;
  unsigned char* bytes = nullptr;
  long size = 0;
  while (PEM_read_bio(bio.get(), &name, &header, &bytes, &size) == 1) {
    PemBlock& block = blocks.emplace_back();
    block.type = name;
    block.has_headers = *header != '\0';
    block.der.assign(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
    const unsigned char* at = bytes;
    const Certificate certificate(d2i_X509(nullptr, &at, size));
    block.is_certificate = certificate && at == bytes + size;
    block.is_authority = block.is_certificate && X509_check_ca(certificate.get()) == 1;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(bytes);
  }
  ERR_clear_error();
  return blocks;
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
