// Owners for OpenSSL objects, for our .cc files only.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/http.h"
#include "net/tls.h"

namespace pinnace::net::internal {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using SslContext = std::shared_ptr<SSL_CTX>;
using Ssl = std::unique_ptr<SSL, Free<SSL_free>>;

// "WHAT: the last OpenSSL error"; empties OpenSSL's queue.
std::string openssl_message(std::string_view what);
// Before a call whose failure is asked about. There are none, as a rule, and OpenSSL takes its time
// to clear what is empty.
inline void forget_openssl_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

Bio bio_of(std::string_view text);
std::string text_of(BIO* memory);
Result<PrivateKey> read_private_key(std::string_view pem);
Result<PrivateKey> read_public_key(std::string_view pem);
// All certificates in the text; an Error if there is none.
Result<std::vector<Certificate>> read_certificates(std::string_view pem);
std::vector<std::string> subject_entries(const X509_NAME* name, int nid);
// What a subjectAltName says; kinds of names beside these are left out.
struct AlternativeNames {
  std::vector<std::string> dns, ip, email, uri;
  bool empty() const { return dns.empty() && ip.empty() && email.empty() && uri.empty(); }
};
AlternativeNames names_in(const GENERAL_NAMES* names);  // Null: none.
AlternativeNames alternative_names(const X509* certificate);

// The contexts behind TlsServerContext and TlsClientContext.
SslContext server_context(TlsServerContext& context);
struct ClientContext {
  SslContext context;
  std::string server_name;
  bool skip_verification = false;
};
ClientContext client_context(TlsClientContext& context);

// Whether the context of a server's connection keeps what chain the client shows.
bool keeps_chain(SSL* ssl);
// What the handshake found out about the other side.
void describe_peer(SSL* ssl, Peer& peer);

}  // namespace pinnace::net::internal
