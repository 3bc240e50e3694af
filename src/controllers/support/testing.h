// What the tests of plans share: times, and objects made from JSON.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "api/typed.h"
#include "controllers/support/pods.h"
#include "controllers/support/selectors.h"
#include "controllers/support/times.h"
#include "controllers/support/types.h"

namespace pinnace::controllers::testing {

// 2026-01-01T00:00:00Z and so many seconds.
inline WallTime at(std::int64_t second) {
  return WallTime(std::chrono::seconds(1'767'225'600 + second));
}
inline std::string text_of(WallTime time) { return '"' + rfc3339(time) + '"'; }

template <typename T>
T from(const std::string& json) {
  auto object = api::from_json<T>(json);
  EXPECT_TRUE(object) << json << ": " << (object ? "" : object.error().message);
  return object ? std::move(*object) : T{};
}
template <typename T>
std::shared_ptr<const T> ref(T object) {
  return std::make_shared<const T>(std::move(object));
}
template <typename T>
std::vector<std::string> names_of(const std::vector<std::shared_ptr<const T>>& objects) {
  std::vector<std::string> names;
  for (const auto& object : objects) names.push_back(object->metadata.name);
  return names;
}

// A pod "default/NAME" of node "n1", Running and, from `ready_since` on, Ready.
struct PodSketch {
  std::string name;
  std::string node = "n1";
  std::string phase = "Running";
  bool ready = true;
  std::int64_t ready_since = 0, created = 0;
  int restarts = 0;
  std::string deletion_cost;
  Labels labels = {{"app", "web"}};
  std::string ip;
};
inline core_v1::Pod make_pod(const PodSketch& sketch) {
  core_v1::Pod pod;
  pod.metadata.name = sketch.name;
  pod.metadata.namespace_ = "default";
  pod.metadata.uid = "uid-" + sketch.name;
  pod.metadata.labels = sketch.labels;
  pod.metadata.creation_timestamp = to_time(at(sketch.created));
  if (!sketch.deletion_cost.empty()) {
    pod.metadata.annotations["controller.kubernetes.io/pod-deletion-cost"] = sketch.deletion_cost;
  }
  pod.spec.node_name = sketch.node;
  pod.status.phase = sketch.phase;
  pod.status.pod_ip = sketch.ip;
  core_v1::PodCondition condition;
  condition.type = "Ready";
  condition.status = sketch.ready ? "True" : "False";
  condition.last_transition_time = to_time(at(sketch.ready_since));
  pod.status.conditions = {condition};
  core_v1::ContainerStatus container;
  container.restart_count = sketch.restarts;
  pod.status.container_statuses = {container};
  return pod;
}
inline PodRef pod_ref(const PodSketch& sketch) { return ref(make_pod(sketch)); }

}  // namespace pinnace::controllers::testing
