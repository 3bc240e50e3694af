#include "net/internal/openssl.h"

#include <arpa/inet.h>

#include "base/strings.h"
#include "net/internal/certificate_parts.h"

namespace pinnace::net::internal {

std::string openssl_message(std::string_view what) {
  unsigned long code = ERR_get_error();
  ERR_clear_error();
  std::string message(what);
  if (code != 0) {
    char text[256];
    ERR_error_string_n(code, text, sizeof text);
    message.append(": ").append(text);
  }
  return message;
}

Bio bio_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(BIO* memory) {
  char* data = nullptr;
  long size = BIO_get_mem_data(memory, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

namespace {
// Without it OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }
}  // namespace

Result<PrivateKey> read_private_key(std::string_view pem) {
  Bio bio = bio_of(pem);
  PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return errors::bad_request(openssl_message("not a private key"));
  return key;
}

Result<PrivateKey> read_public_key(std::string_view pem) {
  Bio bio = bio_of(pem);
  PrivateKey key(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return errors::bad_request(openssl_message("not a public key"));
  return key;
}

Result<std::vector<Certificate>> read_certificates(std::string_view pem) {
  Bio bio = bio_of(pem);
  std::vector<Certificate> found;
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr))
    found.emplace_back(one);
  bool only_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (found.empty() || !only_at_end)
    return errors::bad_request(openssl_message("not a certificate"));
  ERR_clear_error();
  return found;
}

std::vector<std::string> subject_entries(const X509_NAME* name, int nid) {
  std::vector<std::string> values;
  int at = -1;
  while ((at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0) {
    const ASN1_STRING* data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    unsigned char* utf8 = nullptr;
    int size = ASN1_STRING_to_UTF8(&utf8, data);
    if (size < 0) continue;
    values.emplace_back(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
    OPENSSL_free(utf8);
  }
  return values;
}

AlternativeNames names_in(const GENERAL_NAMES* names) {
  AlternativeNames out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    int type = 0;
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(name, &type));
    std::vector<std::string>* list = type == GEN_DNS     ? &out.dns
                                     : type == GEN_EMAIL ? &out.email
                                     : type == GEN_URI   ? &out.uri
                                                         : nullptr;
    if (list == nullptr && type != GEN_IPADD) continue;  // Of another kind: no text.
    const unsigned char* data = ASN1_STRING_get0_data(value);
    const int size = ASN1_STRING_length(value);
    if (list != nullptr) {
      list->emplace_back(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    } else if (size == 4 || size == 16) {
      char text[INET6_ADDRSTRLEN];
      inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text, sizeof text);
      out.ip.emplace_back(text);
    }
  }
  return out;
}

AlternativeNames alternative_names(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  return names_in(names.get());
}

namespace {

std::string chain_pem(SSL* ssl) {
  // On a server the leaf stands apart from the rest.
  Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), SSL_get0_peer_certificate(ssl));
  STACK_OF(X509)* rest = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < sk_X509_num(rest); ++i) PEM_write_bio_X509(bio.get(), sk_X509_value(rest, i));
  return text_of(bio.get());
}

std::string fingerprint(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest, &size);
  return hex_encode({reinterpret_cast<char*>(digest), size});
}

}  // namespace

std::vector<std::string> subject_uids(const X509_NAME* name) {
  static const int kNid = OBJ_create("1.3.6.1.4.1.57683.2", "kubernetesUid", "Kubernetes UID");
  return subject_entries(name, kNid);
}

void describe_peer(SSL* ssl, Peer& peer) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return;
  auto details = std::make_shared<CertificateDetails>();
  if (keeps_chain(ssl)) details->chain_pem = chain_pem(ssl);
  peer.certificate_details = details;
  long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) {
    peer.certificate_error = X509_verify_cert_error_string(verdict);
    return;
  }
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const auto uids = subject_uids(subject);
  if (uids.size() > 1) {
    peer.certificate_error = "expected 1 UID, but found multiple";
    return;
  }
  if (!uids.empty()) details->uid = uids.front();
  details->sha256 = fingerprint(certificate);
  details->not_after = time_of(X509_get0_notAfter(certificate));
  auto names = subject_entries(subject, NID_commonName);
  if (!names.empty()) peer.certificate_common_name = names.front();
  peer.certificate_organizations = subject_entries(subject, NID_organizationName);
}

}  // namespace pinnace::net::internal
