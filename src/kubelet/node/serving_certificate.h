// The certificate that the agent shows on its port, when the API is asked for it: somebody approves
// each, as in Kubernetes, and until then the one before is shown.
//
// Source: kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping, "Certificate
//   rotation".
#pragma once

#include <memory>
#include <string>

#include "client/certificate_keeper.h"
#include "net/tls.h"

namespace pinnace::kubelet {

struct ServingCertificate {
  const client::Client& api;
  Executor& executor;
  Rng& rng;
  std::string node_name, node_ip;
  std::string file;  // Where the present pair is kept, with mode 0600.
  std::shared_ptr<net::TlsServerContext> tls;
  net::ServerTlsOptions shown;  // With what `tls` was made.
};

// What an earlier agent was given, if it is still good; else `otherwise`.
net::CertificateAndKey kept_certificate(const std::string& file, net::CertificateAndKey otherwise,
                                        WallTime now);

// To be started; new pairs are kept in the file and shown to whoever connects then.
std::unique_ptr<client::CertificateKeeper> keep_serving_certificate(ServingCertificate what);

}  // namespace pinnace::kubelet
