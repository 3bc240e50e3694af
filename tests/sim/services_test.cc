#include <algorithm>
#include <set>

#include "api/types/discovery_v1.h"
#include "sim/scenario.h"

namespace pinnace::sim {
namespace {

using api::discovery_v1::EndpointSlice;
using std::chrono::seconds;
using Addresses = std::set<std::string>;

class ServicesSim : public Scenario {
 protected:
  void make_service(const std::string& name, const std::string& more = "") {
    cluster.create("/api/v1/namespaces/default/services",
                   R"({"metadata":{"name":")" + name + R"("},"spec":{"selector":{"app":")" + name +
                       R"("},"ports":[{"port":80,"targetPort":8080}])" + more + "}}");
  }
  Addresses in_endpoints(const std::string& name) {
    Addresses found;
    const auto endpoints = cluster.get<core_v1::Endpoints>(name);
    if (!endpoints) return found;
    for (const auto& subset : endpoints->subsets) {
      for (const auto& address : subset.addresses) found.insert(address.ip);
    }
    return found;
  }
  Addresses in_slices(const std::string& name) {
    Addresses found;
    for (const auto& slice :
         cluster.list<EndpointSlice>("default", "kubernetes.io/service-name=" + name)) {
      for (const auto& endpoint : slice.endpoints) {
        if (endpoint.conditions.ready.value_or(false)) found.insert(endpoint.addresses.at(0));
      }
    }
    return found;
  }
  Addresses of_ready_pods(const std::string& app) {
    Addresses found;
    for (const auto& pod : pods(app)) {
      if (is_ready(pod) && !is_leaving(pod)) found.insert(pod.status.pod_ip);
    }
    return found;
  }
  bool agree(const std::string& name) {
    return in_endpoints(name) == of_ready_pods(name) && in_slices(name) == of_ready_pods(name);
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, ServicesSim, ::testing::ValuesIn(seeds()));

TEST_P(ServicesSim, EndpointsFollowPods) {
  cluster.add_nodes(2);
  make_service("web");
  deploy("web", 3);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  EXPECT_TRUE(cluster.run_until([&] { return agree("web"); }, seconds(2)));
  EXPECT_EQ(in_endpoints("web").size(), 3u);
  scale("web", 5);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web") && agree("web"); }));
  set_image("web", "app:2");
  std::size_t least = 100;
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }, std::chrono::minutes(5),
                                [&] { least = std::min(least, in_endpoints("web").size()); }));
  EXPECT_GE(least, 4u);
  EXPECT_TRUE(cluster.run_until([&] { return agree("web"); }, seconds(2)));
}

TEST_P(ServicesSim, WhatOthersChangeIsMended) {
  cluster.add_nodes(1);
  make_service("web");
  deploy("web", 2);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  cluster.remove("/api/v1/namespaces/default/endpoints/web");
  for (const auto& slice :
       cluster.list<EndpointSlice>("default", "kubernetes.io/service-name=web")) {
    cluster.remove("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/" +
                   slice.metadata.name);
  }
  EXPECT_TRUE(cluster.run_until([&] { return agree("web"); }));
}

TEST_P(ServicesSim, AServicesEndGoesToItsEndpoints) {
  make_service("web");
  ASSERT_TRUE(
      cluster.run_until([&] { return cluster.get<core_v1::Endpoints>("web").has_value(); }));
  cluster.remove("/api/v1/namespaces/default/services/web");
  EXPECT_TRUE(cluster.run_until([&] {
    return !cluster.get<core_v1::Endpoints>("web") &&
           cluster.list<EndpointSlice>("default", "kubernetes.io/service-name=web").empty();
  }));
}

}  // namespace
}  // namespace pinnace::sim
