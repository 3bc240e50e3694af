#include "client/pod_trim.h"

#include <gtest/gtest.h>

#include "api/typed.h"

namespace pinnace::client {
namespace {

using api::core_v1::Pod;

TEST(PodTrim, KeepsWhatDecidesWhereAPodRunsAndHowItFares) {
  auto pod = api::from_json<Pod>(R"({
    "metadata": {"name": "a", "labels": {"app": "a"},
                 "annotations": {"controller.kubernetes.io/pod-deletion-cost": "7", "x": "y"}},
    "spec": {"nodeName": "n", "volumes": [{"name": "v", "secret": {"secretName": "s"}}],
             "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}],
                             "resources": {"requests": {"cpu": "1"}}}]},
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
               "containerStatuses": [{"name": "c", "restartCount": 3}]}})");
  ASSERT_TRUE(pod);
  auto trimmed = *pod;
  trim_pod(trimmed);
  EXPECT_EQ(trimmed.metadata.annotations.size(), 1U);
  EXPECT_EQ(trimmed.metadata.annotations.at(kPodDeletionCost), "7");
  trimmed.metadata.annotations = pod->metadata.annotations;
  EXPECT_EQ(trimmed, *pod);
}

TEST(PodTrim, LeavesOutHowContainersAreStarted) {
  auto pod = api::from_json<Pod>(R"({
    "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
    "spec": {"securityContext": {"runAsUser": 1},
             "initContainers": [{"name": "i", "command": ["a"]}],
             "containers": [{"name": "c", "command": ["a"], "args": ["b"], "workingDir": "/",
                             "env": [{"name": "N", "value": "v"}],
                             "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                             "livenessProbe": {"exec": {"command": ["a"]}},
                             "securityContext": {"privileged": true}}]}})");
  const auto expected = api::from_json<Pod>(
      R"({"spec": {"initContainers": [{"name": "i"}], "containers": [{"name": "c"}]}})");
  ASSERT_TRUE(pod && expected);
  trim_pod(*pod);
  EXPECT_EQ(*pod, *expected);
}

}  // namespace
}  // namespace pinnace::client
