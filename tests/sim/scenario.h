// Scenario is what the simulation's tests share: a cluster for each seed, whose checkers must find
// nothing, and shorthands for the objects that tests make.
//
// PINNACE_SIM_SEED=N runs every scenario with that seed only; a failure prints its seed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "api/types/apps_v1.h"
#include "api/types/core_v1.h"
#include "base/log.h"
#include "base/strings.h"
#include "sim/cluster.h"

namespace pinnace::sim {

namespace apps_v1 = api::apps_v1;
namespace core_v1 = api::core_v1;

inline std::vector<std::uint64_t> seeds() {
  const char* one = std::getenv("PINNACE_SIM_SEED");
  if (one != nullptr) return {parse_uint(one).value_or(1)};
  return {1, 2, 3};
}

inline const std::string kDeployments = "/apis/apps/v1/namespaces/default/deployments";
inline const std::string kPods = "/api/v1/namespaces/default/pods";

class Scenario : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  Scenario()
      : trace_(__FILE__, __LINE__, "seed " + std::to_string(GetParam())), cluster(GetParam()) {}
  static void SetUpTestSuite() { log::set_level(log::Level::kError); }
  void TearDown() override {
    for (const auto& fault : cluster.faults()) ADD_FAILURE() << fault;
  }

  void deploy(const std::string& name, int replicas, const std::string& more = "") {
    cluster.create(kDeployments,
                   R"({"metadata":{"name":")" + name + R"("},"spec":{"replicas":)" +
                       std::to_string(replicas) + R"(,"selector":{"matchLabels":{"app":")" + name +
                       R"("}},"template":{"metadata":{"labels":{"app":")" + name +
                       R"("}},"spec":{"containers":[{"name":"c","image":"app:1"}]}})" + more +
                       "}}");
  }
  void set_image(const std::string& deployment, const std::string& image) {
    cluster.patch(kDeployments + '/' + deployment,
                  R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":")" + image +
                      R"("}]}}}})");
  }
  void scale(const std::string& deployment, int replicas) {
    cluster.patch(kDeployments + '/' + deployment + "/scale",
                  R"({"spec":{"replicas":)" + std::to_string(replicas) + "}}");
  }
  apps_v1::Deployment deployment(const std::string& name) {
    auto found = cluster.get<apps_v1::Deployment>(name);
    EXPECT_TRUE(found) << name;
    return found ? std::move(*found) : apps_v1::Deployment{};
  }
  // As `kubectl rollout status` sees it.
  bool rolled_out(const std::string& name) {
    const auto found = deployment(name);
    const int wanted = found.spec.replicas.value_or(1);
    const auto& status = found.status;
    return status.observed_generation >= found.metadata.generation &&
           status.updated_replicas == wanted && status.replicas == wanted &&
           status.available_replicas == wanted;
  }
  // "True/Reason" of a Deployment's condition.
  std::string condition(const std::string& name, const std::string& type) {
    for (const auto& each : deployment(name).status.conditions) {
      if (each.type == type) return each.status + '/' + each.reason;
    }
    return "";
  }
  static bool is_ready(const core_v1::Pod& pod) {
    for (const auto& each : pod.status.conditions) {
      if (each.type == "Ready") return each.status == "True";
    }
    return false;
  }
  static bool is_leaving(const core_v1::Pod& pod) {
    return !pod.metadata.deletion_timestamp.is_zero();
  }
  std::vector<core_v1::Pod> pods(const std::string& app = "") {
    return cluster.list<core_v1::Pod>("default", app.empty() ? "" : "app=" + app);
  }
  int ready_pods(const std::string& app) {
    int count = 0;
    for (const auto& pod : pods(app)) count += is_ready(pod) && !is_leaving(pod) ? 1 : 0;
    return count;
  }
  // A pod of one container with these members of its spec.
  void make_pod(const std::string& name, const std::string& spec = "",
                const std::string& requests = "") {
    cluster.create(
        kPods,
        R"({"metadata":{"name":")" + name +
            R"("},"spec":{"containers":[{"name":"c","image":"app:1","resources":{"requests":{)" +
            requests + "}}}]" + (spec.empty() ? "" : ",") + spec + "}}");
  }
  std::string node_of(const std::string& pod) {
    const auto found = cluster.get<core_v1::Pod>(pod);
    return found ? found->spec.node_name : "";
  }
  // The messages of the events about one object with this reason.
  std::vector<std::string> events(const std::string& object, const std::string& reason) {
    std::vector<std::string> messages;
    for (const auto& event : cluster.list<core_v1::Event>()) {
      if (event.involved_object.name == object && event.reason == reason) {
        messages.push_back(event.message);
      }
    }
    return messages;
  }

 private:
  ::testing::ScopedTrace trace_;

 protected:
  Cluster cluster;
};

}  // namespace pinnace::sim
