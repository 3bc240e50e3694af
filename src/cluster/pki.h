// The keys and certificates of a cluster: made once, kept in its data directory, reissued in time.
//
// Shape: PKI_DIR/ca.{crt,key}, front-proxy-ca.{crt,key}, service-account.key, and a certificate
//   with its key for each identity below. Keys have mode 0600.
// Source: Kubernetes' "PKI certificates and requirements" for names and groups.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "net/x509.h"

namespace pinnace::cluster {

struct Pki {
  net::CertificateAndKey authority;          // Signs servers and clients.
  net::CertificateAndKey api_server;         // What the API server shows.
  net::CertificateAndKey admin;              // system:masters, for the kubeconfig.
  net::CertificateAndKey api_server_client;  // With which the API server calls the kubelet.
  net::CertificateAndKey node;               // system:node:NAME; also what the kubelet shows.
  // An authority of its own: whoever holds its client certificate may speak for anybody.
  net::CertificateAndKey front_proxy_authority;
  net::CertificateAndKey front_proxy_client;  // With which the API server calls servers behind it.
  std::string service_account_key_pem;
};

struct PkiOptions {
  std::string directory;
  std::string node_name;
  std::vector<std::string> server_addresses;  // Every address that clients may use for the API.
};

// Reads what is there, makes what is missing, and issues anew what ends within 30 days or lacks an
// address of `server_addresses`. The authority itself is never replaced.
Result<Pki> load_or_make_pki(const PkiOptions& options, const Clock& clock);

}  // namespace pinnace::cluster
