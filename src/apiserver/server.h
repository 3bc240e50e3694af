// Server is the Kubernetes API: a net::Handler that reads and writes objects in a store.
//
// A request flows through one folder per stage: http → authentication → authorization → its verb in
// registry, with admission and strategies → store. docs/LIFE_OF_A_REQUEST.md tells it whole.
// Lifetime: everything that Options refers to must outlive the Server; exchanges may outlive it.
// Threads: `handle` on any number of I/O threads at once; the rest says so itself.
// Bounds: fairness/turns.h says how many requests are served at once and what becomes of the rest.
// Source: Kubernetes API conventions and concepts (kubernetes.io/docs/reference/using-api).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "apiserver/configuration.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "net/http.h"
#include "store/store.h"

namespace pinnace::apiserver {

class WebhookClient;

// The one place that says which Kubernetes this is.
inline constexpr char kGitVersion[] = "v1.35.2+pinnace";
inline constexpr char kMajor[] = "1";
inline constexpr char kMinor[] = "35";

struct Options {
  store::Store& store;
  // Timers: bookmarks, ends of watches, expiry of Events.
  Executor& executor;
  const Clock& clock;
  Rng& rng;
  metrics::Registry& metrics;

  std::string service_cidr = "10.96.0.0/16";
  int node_port_first = 30000;
  int node_port_last = 32767;

  // Signs and verifies service-account tokens (PEM, EC P-256 or RSA). Empty: no such tokens.
  std::string service_account_key_pem;

  // The cluster's authority: what kubelets' serving certificates are checked against.
  std::string cluster_ca_pem;
  // What this server shows to kubelets.
  std::string kubelet_client_certificate_pem;
  std::string kubelet_client_key_pem;
  // What this server shows to servers behind it, to which it speaks for its callers, and the
  // authority by which they know it.
  std::string front_proxy_ca_pem;
  std::string front_proxy_certificate_pem;
  std::string front_proxy_key_pem;

  // Where pods reach this server: the endpoints of the Service default/kubernetes.
  std::string advertise_address = "127.0.0.1";
  int advertise_port = 6443;

  // Calls servers outside: webhooks, issuers of tokens. Null: a configuration with them is refused,
  // and a webhook that an object names fails.
  WebhookClient* webhooks = nullptr;

  Configuration configuration;
  // Makes what a new cluster needs (namespaces, roles, the kubernetes Service). Off in some tests.
  bool bootstrap = true;
};

class Server : public net::Handler {
 public:
  // Reads what it needs from the store and writes the bootstrap objects; returns when /readyz is
  // ok.
  static Result<std::unique_ptr<Server>> create(Options options);

  // Refuses new requests with 503 and ends open watches. Any thread.
  virtual void shut_down() = 0;
  // After the last request: waits, for some seconds at most, until what was written down of them
  // has gone where it is kept.
  virtual void drain() = 0;
};

}  // namespace pinnace::apiserver
