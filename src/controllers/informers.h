// Informers: one local copy of each kind, shared by all controllers.
//
// Lifetime: made first, destroyed last; handlers are registered before `start`.
// Threads: belongs to the executor's thread.
#pragma once

#include <functional>

#include "api/types/certificates_v1.h"
#include "api/types/coordination_v1.h"
#include "api/types/discovery_v1.h"
#include "api/types/networking_v1.h"
#include "api/types/rbac_v1.h"
#include "controllers/support/owner_index.h"
#include "controllers/support/types.h"

namespace pinnace::controllers {

// Of the ClusterTrustBundle that says how the API server is verified.
inline constexpr char kServingTrustSigner[] = "kubernetes.io/kube-apiserver-serving";

struct Informers {
  Informers(const client::Client& api, Executor& executor);

  // Starts all; `ready` runs once, when every first list is complete.
  void start(std::function<void()> ready);
  void stop();

  client::Informer<core_v1::Namespace> namespaces;
  client::Informer<core_v1::ServiceAccount> service_accounts;
  client::Informer<core_v1::ConfigMap> root_ca_maps;  // only those named kube-root-ca.crt
  client::Informer<core_v1::Secret> token_secrets;    // only those of service accounts' tokens
  client::Informer<api::certificates_v1::CertificateSigningRequest> certificate_requests;
  client::Informer<api::certificates_v1::ClusterTrustBundle> trust_bundles;  // kServingTrustSigner
  client::Informer<api::rbac_v1::ClusterRole> cluster_roles;
  client::Informer<core_v1::Node> nodes;
  client::Informer<api::coordination_v1::Lease> node_leases;  // of kube-node-lease
  client::Informer<core_v1::Pod> pods;
  client::Informer<core_v1::Service> services;
  client::Informer<core_v1::Endpoints> endpoints;
  client::Informer<api::discovery_v1::EndpointSlice> endpoint_slices;
  client::Informer<core_v1::ReplicationController> replication_controllers;
  client::Informer<apps_v1::ReplicaSet> replica_sets;
  client::Informer<apps_v1::Deployment> deployments;
  client::Informer<core_v1::ResourceQuota> resource_quotas;
  client::Informer<core_v1::PersistentVolumeClaim> persistent_volume_claims;
  client::Informer<core_v1::PersistentVolume> persistent_volumes;
  client::Informer<api::networking_v1::ServiceCIDR> service_cidrs;
  client::Informer<api::networking_v1::IPAddress> ip_addresses;

  OwnerIndex<core_v1::Pod> pods_by_owner{pods};
  Index<core_v1::Pod> pods_by_node{pods, [](const auto& pod) { return pod.spec.node_name; }};
  OwnerIndex<apps_v1::ReplicaSet> replica_sets_by_owner{replica_sets};
  Index<core_v1::ResourceQuota> quotas_by_namespace{
      resource_quotas, [](const auto& quota) { return quota.metadata.namespace_; }};

 private:
  template <typename Visit>
  void for_each(Visit visit);

  std::size_t waiting_ = 0;
};

}  // namespace pinnace::controllers
