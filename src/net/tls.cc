#include "net/tls.h"

#include <mutex>

#include "net/internal/openssl.h"

namespace pinnace::net {
namespace {

using namespace internal;  // NOLINT: these are our own OpenSSL owners.

constexpr unsigned char kBoth[] = "\x02h2\x08http/1.1";
constexpr unsigned char kOnlyHttp1[] = "\x08http/1.1";

// With HTTP/2 on offer it wins; a client that offers neither goes on without ALPN, as HTTP/1.1.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void* http2) {
  const unsigned char* ours = http2 != nullptr ? kBoth : kOnlyHttp1;
  unsigned ours_size = http2 != nullptr ? sizeof kBoth - 1 : sizeof kOnlyHttp1 - 1;
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours, ours_size, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// Keeps the verdict in the SSL and lets the handshake go on; see describe_peer.
int note_verdict(int, X509_STORE_CTX*) { return 1; }

SslContext new_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method), SSL_CTX_free);
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                               SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  // The chain is what was given: nothing is looked for, and verified, at each handshake.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY |
                            SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(raw, 1);
  // AES-128 first: it is the cheaper one and strong enough.
  SSL_CTX_set_ciphersuites(raw,
                           "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:"
                           "TLS_AES_256_GCM_SHA384");
  SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20");
  return context;
}

Result<void> use_certificate(SSL_CTX* context, const std::string& certificate_pem,
                             const std::string& key_pem) {
  auto chain = read_certificates(certificate_pem);
  if (!chain) return std::unexpected(chain.error());
  auto key = read_private_key(key_pem);
  if (!key) return std::unexpected(key.error());
  bool good = SSL_CTX_use_certificate(context, chain->front().get()) == 1;
  for (std::size_t i = 1; i < chain->size(); ++i)
    good = good && SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) == 1;
  good = good && SSL_CTX_use_PrivateKey(context, key->get()) == 1 &&
         SSL_CTX_check_private_key(context) == 1;
  if (!good) return errors::bad_request(openssl_message("certificate and key"));
  return {};
}

// That a connection's handshake keeps the client's chain.
const int kKeepsChain = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);

Result<void> announce(SSL_CTX* context, const std::string& ca_pem) {
  auto authorities = read_certificates(ca_pem);
  if (!authorities) return std::unexpected(authorities.error());
  for (const Certificate& authority : *authorities) SSL_CTX_add_client_CA(context, authority.get());
  SSL_CTX_set_ex_data(context, kKeepsChain, context);
  return {};
}

Result<void> trust(SSL_CTX* context, const std::string& ca_pem, bool of_clients) {
  auto authorities = read_certificates(ca_pem);
  if (!authorities) return std::unexpected(authorities.error());
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const Certificate& authority : *authorities) {
    X509_STORE_add_cert(store, authority.get());
    if (of_clients) SSL_CTX_add_client_CA(context, authority.get());
  }
  ERR_clear_error();  // The same authority twice is no error.
  return {};
}

Result<SslContext> make_server_context(const ServerTlsOptions& options) {
  SslContext context = new_context(TLS_server_method());
  if (auto used = use_certificate(context.get(), options.certificate_pem, options.private_key_pem);
      !used)
    return std::unexpected(used.error());
  if (!options.client_ca_pem.empty()) {
    if (auto trusted = trust(context.get(), options.client_ca_pem, true); !trusted)
      return std::unexpected(trusted.error());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, note_verdict);
  }
  if (!options.proxy_ca_pem.empty()) {
    if (auto announced = announce(context.get(), options.proxy_ca_pem); !announced)
      return std::unexpected(announced.error());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, note_verdict);
  }
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol,
                             options.http2 ? context.get() : nullptr);
  return context;
}

class ServerContext final : public TlsServerContext {
 public:
  explicit ServerContext(SslContext context) : context_(std::move(context)) {}

  Result<void> reload(const ServerTlsOptions& options) override {
    auto made = make_server_context(options);
    if (!made) return std::unexpected(made.error());
    std::lock_guard lock(mutex_);
    context_ = std::move(*made);
    return {};
  }

  SslContext get() {
    std::lock_guard lock(mutex_);
    return context_;
  }

 private:
  std::mutex mutex_;
  SslContext context_;
};

Result<ClientContext> make_client_context(const ClientTlsOptions& options) {
  SslContext context = new_context(TLS_client_method());
  if (!options.certificate_pem.empty()) {
    auto used = use_certificate(context.get(), options.certificate_pem, options.private_key_pem);
    if (!used) return std::unexpected(used.error());
  }
  if (options.ca_pem.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (auto trusted = trust(context.get(), options.ca_pem, false); !trusted) {
    return std::unexpected(trusted.error());
  }
  SSL_CTX_set_verify(context.get(), options.skip_verification ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     nullptr);
  return ClientContext{std::move(context), options.server_name, options.skip_verification};
}

class ClientSide final : public TlsClientContext {
 public:
  explicit ClientSide(ClientContext made) : context_(std::move(made)) {}

  Result<void> reload(const ClientTlsOptions& options) override {
    auto made = make_client_context(options);
    if (!made) return std::unexpected(made.error());
    std::lock_guard lock(mutex_);
    context_ = std::move(*made);
    return {};
  }

  ClientContext get() {
    std::lock_guard lock(mutex_);
    return context_;
  }

 private:
  std::mutex mutex_;
  ClientContext context_;
};

}  // namespace

Result<std::shared_ptr<TlsServerContext>> TlsServerContext::create(
    const ServerTlsOptions& options) {
  auto made = make_server_context(options);
  if (!made) return std::unexpected(made.error());
  return std::make_shared<ServerContext>(std::move(*made));
}

Result<std::shared_ptr<TlsClientContext>> TlsClientContext::create(
    const ClientTlsOptions& options) {
  auto made = make_client_context(options);
  if (!made) return std::unexpected(made.error());
  return std::make_shared<ClientSide>(std::move(*made));
}

namespace internal {

bool keeps_chain(SSL* ssl) {
  return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), kKeepsChain) != nullptr;
}

SslContext server_context(TlsServerContext& context) {
  return static_cast<ServerContext&>(context).get();
}

ClientContext client_context(TlsClientContext& context) {
  return static_cast<ClientSide&>(context).get();
}

}  // namespace internal
}  // namespace pinnace::net
