#include "controllers/informers.h"

#include "client/pod_trim.h"

namespace pinnace::controllers {

Informers::Informers(const client::Client& api, Executor& executor)
    : namespaces(api, executor),
      service_accounts(api, executor),
      root_ca_maps(api, executor, {.field_selector = "metadata.name=kube-root-ca.crt"}),
      token_secrets(api, executor, {.field_selector = "type=kubernetes.io/service-account-token"}),
      certificate_requests(api, executor),
      trust_bundles(api, executor,
                    {.field_selector = "spec.signerName=" + std::string(kServingTrustSigner)}),
      cluster_roles(api, executor),
      nodes(api, executor),
      node_leases(api, executor, {.ns = "kube-node-lease"}),
      pods(api, executor, {}, client::trim_pod),
      services(api, executor),
      endpoints(api, executor),
      endpoint_slices(api, executor),
      replication_controllers(api, executor),
      replica_sets(api, executor),
      deployments(api, executor),
      resource_quotas(api, executor),
      persistent_volume_claims(api, executor),
      persistent_volumes(api, executor),
      service_cidrs(api, executor),
      ip_addresses(api, executor) {}

template <typename Visit>
void Informers::for_each(Visit visit) {
  visit(namespaces);
  visit(service_accounts);
  visit(root_ca_maps);
  visit(token_secrets);
  visit(certificate_requests);
  visit(trust_bundles);
  visit(cluster_roles);
  visit(nodes);
  visit(node_leases);
  visit(pods);
  visit(services);
  visit(endpoints);
  visit(endpoint_slices);
  visit(replication_controllers);
  visit(replica_sets);
  visit(deployments);
  visit(resource_quotas);
  visit(persistent_volume_claims);
  visit(persistent_volumes);
  visit(service_cidrs);
  visit(ip_addresses);
}

void Informers::start(std::function<void()> ready) {
  for_each([&](auto&) { ++waiting_; });
  for_each([&](auto& informer) {
    informer.on_synced([this, ready] {
      if (--waiting_ == 0) ready();
    });
  });
  for_each([](auto& informer) { informer.start(); });
}

void Informers::stop() {
  for_each([](auto& informer) { informer.stop(); });
}

}  // namespace pinnace::controllers
