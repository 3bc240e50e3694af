#include "controllers/pod_gc/plan.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::pod_gc {
namespace {

using controllers::testing::at;
using controllers::testing::make_pod;
using controllers::testing::pod_ref;
using controllers::testing::ref;
using Names = std::vector<std::string>;

Names plan(const std::vector<PodRef>& pods, std::int32_t threshold = 0) {
  Names names;
  for (const auto& removal : plan_removals(
           pods, threshold, [](const std::string& node) { return node != "gone"; },
           [](const std::string& node) { return node == "dead"; })) {
    names.push_back(removal.pod->metadata.name +
                    (removal.message.empty() ? "" : ": " + removal.message));
  }
  return names;
}
PodRef leaving(const std::string& name, const std::string& node) {
  auto pod = make_pod({.name = name, .node = node});
  pod.metadata.deletion_timestamp = to_time(at(0));
  return ref(std::move(pod));
}

TEST(PodGcPlan, PodsOfMissingNodesGo) {
  EXPECT_EQ(plan({pod_ref({.name = "a", .node = "gone"}), pod_ref({.name = "b"})}),
            Names{"a: PodGC: node no longer exists"});
}

TEST(PodGcPlan, DeletedPodsThatWereNeverPlacedGo) {
  EXPECT_EQ(plan({leaving("a", ""), pod_ref({.name = "b", .node = ""})}), Names{"a"});
}

TEST(PodGcPlan, LeavingPodsOfNodesOutOfServiceGo) {
  EXPECT_EQ(
      plan({leaving("a", "dead"), leaving("b", "n1"), pod_ref({.name = "c", .node = "dead"})}),
      Names{"a: PodGC: node is out-of-service"});
}

TEST(PodGcPlan, TheOldestFinishedPodsBeyondTheThresholdGo) {
  const std::vector<PodRef> pods = {
      pod_ref({.name = "young", .phase = "Succeeded", .created = 30}),
      pod_ref({.name = "old", .phase = "Failed", .created = 10}),
      pod_ref({.name = "middle", .phase = "Succeeded", .created = 20}),
      pod_ref({.name = "running", .created = 0}),
  };
  EXPECT_EQ(plan(pods, 1), (Names{"old", "middle"}));
  EXPECT_EQ(plan(pods, 3), Names{});
  EXPECT_EQ(plan(pods, 0), Names{});
}

}  // namespace
}  // namespace pinnace::controllers::pod_gc
