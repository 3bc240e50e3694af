// TLS contexts: what a server shows and asks for, and what a client trusts and shows.
//
// Why a bad client certificate does not end the handshake: the API server answers such a client
//   with a readable 401 instead of a broken connection; see Peer::certificate_error.
// Threads: any. A connection keeps the context that was current when it began.
// Bounds: TLS 1.2 and 1.3 only, no renegotiation, no session tickets.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace pinnace::net {

struct ServerTlsOptions {
  std::string certificate_pem;  // The certificate, then the rest of its chain.
  std::string private_key_pem;
  std::string client_ca_pem;  // Clients are asked for a certificate of these; empty: not asked.
  // Authorities of proxies, whose certificates the Handler checks itself: they are asked for too,
  // and the chain that a client shows is kept in CertificateDetails.
  std::string proxy_ca_pem;
  bool http2 = true;          // Offer h2 before http/1.1.
};

class TlsServerContext {
 public:
  static Result<std::shared_ptr<TlsServerContext>> create(const ServerTlsOptions& options);
  virtual ~TlsServerContext() = default;
  // For new connections; on an error the old ones stay in use.
  virtual Result<void> reload(const ServerTlsOptions& options) = 0;
};

struct ClientTlsOptions {
  std::string ca_pem;           // Empty: the system's roots.
  std::string certificate_pem;  // Both empty: no certificate of ours.
  std::string private_key_pem;
  std::string server_name;         // Checked and sent as SNI; empty: the endpoint's host.
  bool skip_verification = false;  // For servers with certificates that nobody can know.
};

class TlsClientContext {
 public:
  static Result<std::shared_ptr<TlsClientContext>> create(const ClientTlsOptions& options);
  virtual ~TlsClientContext() = default;
  // For new connections; on an error the old ones stay in use.
  virtual Result<void> reload(const ClientTlsOptions& options) = 0;
};

}  // namespace pinnace::net
