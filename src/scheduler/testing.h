// Nodes and pods for the scheduler's tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "api/typed.h"
#include "scheduler/node_cache.h"
#include "scheduler/schedule.h"

namespace pinnace::scheduler::testing {

// `spec` and `labels` are members of JSON objects: `"unschedulable":true`, `"zone":"a"`.
inline NodeRef make_node(
    const std::string& name, const std::string& labels = "", const std::string& spec = "",
    const std::string& allocatable = R"("cpu":"4","memory":"8Gi","pods":"110")") {
  auto node = api::from_json<api::core_v1::Node>(
      R"({"metadata":{"name":")" + name + R"(","labels":{)" + labels + R"(}},"spec":{)" + spec +
      R"(},"status":{"allocatable":{)" + allocatable + "}}}");
  EXPECT_TRUE(node);
  return std::make_shared<const api::core_v1::Node>(std::move(*node));
}

// "default/NAME"; `spec` as above, `meta` more members of its metadata.
inline PodInfoRef make_pod(const std::string& name, const std::string& spec = "",
                           const std::string& meta = "") {
  auto pod = api::from_json<api::core_v1::Pod>(
      R"({"metadata":{"namespace":"default","name":")" + name + R"(","uid":")" + name + '"' +
      (meta.empty() ? "" : ",") + meta + R"(},"spec":{"schedulerName":"default-scheduler")" +
      (spec.empty() ? "" : ",") + spec + "}}");
  EXPECT_TRUE(pod) << spec;
  return std::make_shared<const PodInfo>(
      std::make_shared<const api::core_v1::Pod>(std::move(*pod)));
}
inline std::string asks_for(const std::string& cpu, const std::string& memory = "0") {
  return R"("containers":[{"name":"c","image":"app","resources":{"requests":{"cpu":")" + cpu +
         R"(","memory":")" + memory + R"("}}}])";
}
inline std::string on_node(const std::string& node) { return R"("nodeName":")" + node + '"'; }

struct SchedulerTest : ::testing::Test {
  Decision decide(const PodInfoRef& pod) { return schedule(cache, *pod, *rng, start); }
  // The node, or why there is none.
  std::string place(const PodInfoRef& pod) {
    const auto decision = decide(pod);
    return decision.node.empty() ? decision.message() : decision.node;
  }
  void add_node(const NodeRef& node) { cache.set_node(node->metadata.name, node); }

  NodeCache cache;
  std::unique_ptr<Rng> rng = seeded_rng(1);
  std::size_t start = 0;
};

}  // namespace pinnace::scheduler::testing
