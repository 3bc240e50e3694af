// Settings of the controllers, with the defaults that Kubernetes users know.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/clock.h"
#include "net/x509.h"

namespace pinnace::controllers {

struct Settings {
  // What pods verify the API server with (kube-root-ca.crt).
  std::string root_ca_pem;

  // Authorities by the signer of CertificateSigningRequests that they stand for. For another signer
  // somebody else signs.
  std::map<std::string, net::CertificateAndKey, std::less<>> signers;
  // The longest life of what they sign, and that of a request which asks for none.
  Duration cluster_signing_duration = std::chrono::hours(8760);
  // Signs the tokens that Secrets hold. Empty: such Secrets are left alone.
  std::string service_account_key_pem;

  // How long a generated Secret with a token is not used before it goes.
  Duration legacy_token_clean_up_period = std::chrono::hours(8760);

  // Pod addresses: each node gets a block of this range.
  std::string cluster_cidr = "10.244.0.0/16";
  int node_cidr_prefix = 24;

  // Finished pods beyond this many are deleted, the oldest first. 0: never.
  std::int32_t terminated_pod_threshold = 12500;

  Duration node_monitor_period = std::chrono::seconds(5);
  Duration node_monitor_grace = std::chrono::seconds(40);
  Duration node_startup_grace = std::chrono::seconds(60);
};

}  // namespace pinnace::controllers
