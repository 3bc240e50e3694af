// RemoteTransport talks to an API server over HTTPS (or HTTP).
//
// Threads: any; one thread of its own does the input and output.
// Bounds: 16 connections are kept for reuse; each watch has one of its own. A list is at most
//   512 MiB. A call waits at most 60 s.
// Errors: 503 when there was no answer.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "client/transport.h"
#include "net/tls.h"

namespace pinnace::client {

class RemoteTransport : public Transport {
 public:
  struct Options {
    std::string server;    // "https://127.0.0.1:6443"
    std::string ca_pem;    // Empty: the system's roots.
    std::string cert_pem;  // With `key_pem`: who we are.
    std::string key_pem;
    std::string token;       // Or a bearer token...
    std::string token_file;  // ...or a file with one, read again every minute.
    // In place of the three above: for several transports whose certificate may be reloaded.
    std::shared_ptr<net::TlsClientContext> tls;
    std::string user_agent = "pinnace";
  };
  static Result<std::unique_ptr<RemoteTransport>> create(Options options);
};

}  // namespace pinnace::client
