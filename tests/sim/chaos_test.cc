#include "sim/scenario.h"

namespace pinnace::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

class ChaosSim : public Scenario {};
INSTANTIATE_TEST_SUITE_P(Seeds, ChaosSim, ::testing::ValuesIn(seeds()));

// Operations at random moments, in the middle of what earlier ones began. In the end everything is
// as was asked for last, whatever the order was.
TEST_P(ChaosSim, WhateverTheOrderTheWishIsFulfilled) {
  const auto rng = seeded_rng(GetParam() + 1000);
  cluster.add_nodes(3, "40");
  auto& doomed = cluster.add_node({.name = "doomed", .cpu = "40"});
  constexpr int kNames = 4;
  std::map<std::string, std::pair<int, std::string>> wanted;  // replicas, image
  for (int step = 0; step < 60; ++step) {
    const std::string name = "d" + std::to_string(rng->below(kNames));
    const int replicas = static_cast<int>(rng->below(12));
    const bool there = wanted.contains(name);
    if (!there) {
      if (cluster.get<apps_v1::Deployment>(name)) continue;  // Its foreground deletion goes on.
      deploy(name, replicas);
      wanted[name] = {replicas, "app:1"};
    } else if (const auto what = rng->below(10); what < 4) {
      scale(name, replicas);
      wanted[name].first = replicas;
    } else if (what < 7) {
      wanted[name].second = "app:" + std::to_string(rng->below(4));
      set_image(name, wanted[name].second);
    } else if (what < 9) {
      const auto all = pods(name);
      if (!all.empty()) cluster.remove(kPods + '/' + all[rng->below(all.size())].metadata.name);
    } else {
      cluster.remove(kDeployments + '/' + name, rng->below(2) == 0 ? "Background" : "Foreground");
      wanted.erase(name);
    }
    if (step == 30) doomed.die();
    if (rng->below(8) == 0) cluster.restart_loops();
    cluster.run_for(milliseconds(rng->below(3000)));
  }
  cluster.run_for(minutes(1));
  cluster.remove("/api/v1/nodes/doomed");
  const auto fulfilled = [&] {
    std::size_t total = 0;
    for (const auto& [name, wish] : wanted) {
      if (!rolled_out(name) || ready_pods(name) != wish.first) return false;
      for (const auto& pod : pods(name)) {
        if (pod.spec.containers[0].image != wish.second) return false;
      }
      total += static_cast<std::size_t>(wish.first);
    }
    return pods().size() == total && cluster.list<apps_v1::Deployment>().size() == wanted.size();
  };
  EXPECT_TRUE(cluster.run_until(fulfilled, minutes(10)));
}

}  // namespace
}  // namespace pinnace::sim
