// Backend is what the handlers share: the parts of a running server.
//
// Lifetime: owned by the Server, behind a shared_ptr that open exchanges keep alive too.
#pragma once

#include <atomic>
#include <memory>

#include "apiserver/admission/admission.h"
#include "apiserver/aggregation/aggregator.h"
#include "apiserver/authentication/authenticator.h"
#include "apiserver/authentication/gate_metrics.h"
#include "apiserver/authorization/chain.h"
#include "apiserver/authorization/node_authorizer.h"
#include "apiserver/authorization/rbac.h"
#include "apiserver/catalog/catalog.h"
#include "apiserver/fairness/turns.h"
#include "apiserver/http/deadlines.h"
#include "apiserver/http/document_cache.h"
#include "apiserver/http/request_metrics.h"
#include "apiserver/registry/list_reach.h"
#include "apiserver/registry/watch_ends.h"
#include "apiserver/server.h"
#include "apiserver/strategies/allocator.h"
#include "apiserver/strategies/service_addresses.h"
#include "apiserver/strategies/service_feed.h"

namespace pinnace::apiserver {

class KubeletClient;
namespace audit {
class Auditor;
}

// What every node's agent may do.
std::vector<Rule> node_rules();

struct Backend {
  explicit Backend(Options from)
      : options(std::move(from)),
        turns(options.configuration.requests, options.store, catalog, options.executor,
              options.metrics),
        requests(options.metrics),
        gate(options.metrics),
        rbac(options.store),
        nodes(options.store, node_rules()) {}

  Options options;
  CatalogHolder catalog{options.executor, options.clock};
  // Who is served, and until when.
  fairness::Turns turns;
  RequestMetrics requests;
  GateMetrics gate;
  // How the checks of health went that somebody asked for.
  metrics::Registry checks;
  std::shared_ptr<Deadlines> deadlines = std::make_shared<Deadlines>(options.executor);
  std::shared_ptr<WatchEnds> watch_ends = std::make_shared<WatchEnds>(options.executor);
  std::shared_ptr<ListReach> list_reach =
      std::make_shared<ListReach>(options.executor, options.store);
  std::unique_ptr<Authenticator> authenticator;
  Rbac rbac;
  NodeAuthorizer nodes;
  std::unique_ptr<AuthorizerChain> authorization;
  AdmissionChain admission;
  std::unique_ptr<ServiceAddresses> service_addresses;
  std::unique_ptr<PortAllocator> node_ports;
  std::unique_ptr<ServiceFeed> service_feed;
  std::shared_ptr<KubeletClient> kubelets;
  std::shared_ptr<Aggregator> aggregator;
  std::shared_ptr<audit::Auditor> auditor;  // Null: no audit log.
  // Documents about built-in groups alone.
  DocumentCache documents{options.executor, options.clock};
  std::shared_ptr<void> event_expiry, definitions, flow_control;  // End with this.
  std::atomic<bool> is_ready{false};
  std::atomic<bool> is_shutting_down{false};

  store::Store& store() const { return options.store; }
  WallTime now() const { return options.clock.wall(); }
};
using BackendRef = std::shared_ptr<Backend>;

}  // namespace pinnace::apiserver
