#include "net/certificate_request.h"

#include <algorithm>
#include <iterator>

#include "net/internal/certificate_parts.h"

namespace pinnace::net {
namespace {

using namespace internal;  // NOLINT: these are our own OpenSSL owners.

using ReadRequest = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;
void free_extensions(STACK_OF(X509_EXTENSION) * list) {
  sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}
using Extensions = std::unique_ptr<STACK_OF(X509_EXTENSION), Free<free_extensions>>;

Unexpected failed(std::string_view what) { return errors::internal(openssl_message(what)); }

// As Kubernetes calls them, and OpenSSL.
struct Usage {
  std::string_view name, word;
};
constexpr Usage kKeyUsages[] = {
    {"signing", "digitalSignature"},
    {"digital signature", "digitalSignature"},
    {"content commitment", "nonRepudiation"},
    {"key encipherment", "keyEncipherment"},
    {"key agreement", "keyAgreement"},
    {"data encipherment", "dataEncipherment"},
    {"cert sign", "keyCertSign"},
    {"crl sign", "cRLSign"},
    {"encipher only", "encipherOnly"},
    {"decipher only", "decipherOnly"},
};
constexpr Usage kExtendedUsages[] = {
    {"any", "anyExtendedKeyUsage"},
    {"server auth", "serverAuth"},
    {"client auth", "clientAuth"},
    {"code signing", "codeSigning"},
    {"email protection", "emailProtection"},
    {"s/mime", "emailProtection"},
    {"ipsec end system", "ipsecEndSystem"},
    {"ipsec tunnel", "ipsecTunnel"},
    {"ipsec user", "ipsecUser"},
    {"timestamping", "timeStamping"},
    {"ocsp signing", "OCSPSigning"},
    {"microsoft sgc", "msSGC"},
    {"netscape sgc", "nsSGC"},
};

// The parts of a subject that go into a certificate, in this order. Any other part could mean
// something to somebody who was not asked: this API server reads a uid from one.
constexpr int kSubjectParts[] = {
    NID_countryName,  NID_organizationName,    NID_organizationalUnitName,
    NID_localityName, NID_stateOrProvinceName, NID_streetAddress,
    NID_postalCode};

// The words of `table` for those of `usages` that are in it, each once, with commas.
template <std::size_t kSize>
std::string words_for(const std::vector<std::string>& usages, const Usage (&table)[kSize]) {
  std::string words;
  for (const Usage& each : table) {
    const bool is_wanted = std::ranges::find(usages, each.name) != usages.end();
    if (!is_wanted || words.find(each.word) != std::string::npos) continue;
    if (!words.empty()) words += ',';
    words += each.word;
  }
  return words;
}

Result<ReadRequest> read_request(std::string_view pem) {
  const auto begin = pem.find("-----BEGIN ");
  if (begin == std::string_view::npos ||
      !pem.substr(begin).starts_with("-----BEGIN CERTIFICATE REQUEST-----")) {
    return errors::bad_request("PEM block type must be CERTIFICATE REQUEST");
  }
  const Bio bio = bio_of(pem.substr(begin));
  ReadRequest request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (!request) return errors::bad_request(openssl_message("parse the certificate request"));
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr || X509_REQ_verify(request.get(), key) != 1) {
    return errors::bad_request(openssl_message("verify the certificate request's signature"));
  }
  return request;
}

Result<AlternativeNames> alternative_names_of(X509_REQ* request) {
  const Extensions extensions(X509_REQ_get_extensions(request));
  int critical = -1;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509V3_get_d2i(extensions.get(), NID_subject_alt_name, &critical, nullptr)));
  ERR_clear_error();
  constexpr int kAbsent = -1;
  if (!names && extensions && critical != kAbsent) {
    return errors::bad_request("the certificate request's subjectAltName cannot be read");
  }
  return names_in(names.get());
}

bool copy_subject(const X509_NAME* from, X509_NAME* to) {
  bool good = true;
  for (const int part : kSubjectParts) {
    for (const auto& value : subject_entries(from, part)) good = good && add_name(to, part, value);
  }
  for (const int part : {NID_commonName, NID_serialNumber}) {
    const auto values = subject_entries(from, part);
    if (!values.empty()) good = good && add_name(to, part, values.back());
  }
  return good;
}

bool add_usages(X509* certificate, X509* issuer, const std::vector<std::string>& usages) {
  const std::string key_usages = words_for(usages, kKeyUsages);
  const std::string extended = words_for(usages, kExtendedUsages);
  bool good = add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  if (!key_usages.empty()) {
    good = good && add_extension(certificate, issuer, NID_key_usage, "critical," + key_usages);
  }
  if (!extended.empty()) {
    good = good && add_extension(certificate, issuer, NID_ext_key_usage, extended);
  }
  return good;
}

bool add_alternative_names(X509* certificate, const AlternativeNames& names) {
  if (names.empty()) return true;
  const GeneralNames list = general_names(names);
  return list && X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, 0) == 1;
}

}  // namespace

Result<CertificateRequest> inspect_request(std::string_view pem) {
  const auto request = read_request(pem);
  if (!request) return std::unexpected(request.error());
  auto names = alternative_names_of(request->get());
  if (!names) return std::unexpected(names.error());
  const X509_NAME* subject = X509_REQ_get_subject_name(request->get());
  CertificateRequest out;
  if (auto all = subject_entries(subject, NID_commonName); !all.empty()) {
    out.common_name = std::move(all.back());
  }
  out.organizations = subject_entries(subject, NID_organizationName);
  out.dns_names = std::move(names->dns);
  out.ip_addresses = std::move(names->ip);
  out.email_addresses = std::move(names->email);
  out.uris = std::move(names->uri);
  return out;
}

Result<std::string> sign_request(const CertificateAndKey& authority, std::string_view request_pem,
                                 const SigningTerms& terms) {
  const auto request = read_request(request_pem);
  if (!request) return std::unexpected(request.error());
  const auto names = alternative_names_of(request->get());
  if (!names) return std::unexpected(names.error());
  const auto signer = read_private_key(authority.private_key_pem);
  if (!signer) return std::unexpected(signer.error());
  const auto issuers = read_certificates(authority.certificate_pem);
  if (!issuers) return std::unexpected(issuers.error());
  X509* issuer = issuers->front().get();
  const Certificate made(X509_new());
  X509* x = made.get();
  const bool good =
      X509_set_version(x, 2) == 1 && set_serial(x) &&
      set_time(X509_getm_notBefore(x), terms.not_before) &&
      set_time(X509_getm_notAfter(x), terms.not_after) &&
      X509_set_pubkey(x, X509_REQ_get0_pubkey(request->get())) == 1 &&
      copy_subject(X509_REQ_get_subject_name(request->get()), X509_get_subject_name(x)) &&
      X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
      add_usages(x, issuer, terms.usages) &&
      add_extension(x, issuer, NID_authority_key_identifier, "keyid") &&
      add_alternative_names(x, *names) &&
      X509_sign(x, signer->get(), digest_for(signer->get())) != 0;
  if (!good) return failed("sign a certificate request");
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), x) != 1) return failed("write a certificate");
  return text_of(bio.get());
}

Result<std::string> make_request(std::string_view private_key_pem, const CertificateSpec& spec) {
  const auto key = read_private_key(private_key_pem);
  if (!key) return std::unexpected(key.error());
  const ReadRequest request(X509_REQ_new());
  X509_NAME* subject = X509_REQ_get_subject_name(request.get());
  bool good = X509_REQ_set_version(request.get(), 0) == 1 &&
              X509_REQ_set_pubkey(request.get(), key->get()) == 1;
  for (const auto& organization : spec.organizations) {
    good = good && add_name(subject, NID_organizationName, organization);
  }
  good = good && add_name(subject, NID_commonName, spec.common_name);
  if (const AlternativeNames names{spec.dns_names, spec.ip_addresses, {}, {}}; !names.empty()) {
    const GeneralNames list = general_names(names);
    STACK_OF(X509_EXTENSION)* extensions = nullptr;
    good = good && list &&
           X509V3_add1_i2d(&extensions, NID_subject_alt_name, list.get(), 0, 0) == 1 &&
           X509_REQ_add_extensions(request.get(), extensions) == 1;
    free_extensions(extensions);
  }
  good = good && X509_REQ_sign(request.get(), key->get(), digest_for(key->get())) != 0;
  if (!good) return failed("make a certificate request");
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1) {
    return failed("write a certificate request");
  }
  return text_of(bio.get());
}

bool is_pair(std::string_view certificate_pem, std::string_view private_key_pem) {
  const auto key = read_private_key(private_key_pem);
  const auto certificates = read_certificates(certificate_pem);
  const bool is_one =
      key && certificates && X509_check_private_key(certificates->front().get(), key->get()) == 1;
  ERR_clear_error();
  return is_one;
}

}  // namespace pinnace::net
