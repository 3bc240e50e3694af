// Services and slices for this folder's tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kubeproxy/plan.h"

namespace pinnace::kubeproxy {

inline Facts testing_facts() {
  Facts facts;
  facts.table = "pinnace-test";
  facts.node_name = "node1";
  return facts;
}

inline api::core_v1::Service make_service(std::string name, std::string cluster_ip) {
  api::core_v1::Service made;
  made.metadata.name = std::move(name);
  made.metadata.namespace_ = "default";
  made.spec.type = "ClusterIP";
  made.spec.cluster_ip = std::move(cluster_ip);
  auto& port = made.spec.ports.emplace_back();
  port.name = "http";
  port.protocol = "TCP";
  port.port = 80;
  return made;
}

inline std::shared_ptr<api::discovery_v1::EndpointSlice> make_slice(
    const std::string& owner, const std::vector<std::string>& addresses,
    std::int32_t port_number = 8080) {
  auto made = std::make_shared<api::discovery_v1::EndpointSlice>();
  made->metadata.name = owner + "-abcde";
  made->metadata.namespace_ = "default";
  made->metadata.labels["kubernetes.io/service-name"] = owner;
  made->address_type = "IPv4";
  auto& port = made->ports.emplace_back();
  port.name = "http";
  port.protocol = "TCP";
  port.port = port_number;
  for (const auto& address : addresses) {
    auto& endpoint = made->endpoints.emplace_back();
    endpoint.addresses = {address};
    endpoint.node_name = "node1";
  }
  return made;
}

}  // namespace pinnace::kubeproxy
