#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kubelet/testing/harness.h"

namespace pinnace::kubelet::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

TEST(PodWorker, StartsAPodAndSaysThatItIsReady) {
  Node node;
  node.put(make_pod("web", {make_container("app")}));
  EXPECT_THAT(node.runtime.calls, ElementsAre("run web", "create app", "start app"));
  const auto status = node.status_of("web");
  EXPECT_EQ(status.phase, "Running");
  EXPECT_EQ(find_condition(status, "Ready")->status, "True");
  EXPECT_EQ(find_condition(status, "PodReadyToStartContainers")->status, "True");
  EXPECT_EQ(status.pod_ip, "10.0.0.1");
  EXPECT_EQ(status.host_ip, "192.0.2.1");
  ASSERT_EQ(status.container_statuses.size(), 1u);
  EXPECT_TRUE(status.container_statuses[0].ready);
  EXPECT_TRUE(status.container_statuses[0].state.running);
  EXPECT_THAT(node.events_seen,
              ElementsAre("Pulled: Container image \"app:1\" already present on machine",
                          "Created: Created container: app", "Started: Started container app"));
  // Nothing more happens by itself.
  const auto requests = node.server.requests().size();
  node.advance(minutes(5));
  EXPECT_EQ(node.server.requests().size(), requests);
}

TEST(PodWorker, RestartsWhatCrashesWithGrowingDelay) {
  Node node;
  node.put(make_pod("web", {make_container("app")}));
  node.runtime.exit("app", 1);
  node.settle();
  EXPECT_TRUE(node.runtime.runs("app"));
  EXPECT_EQ(node.status_of("web").container_statuses[0].restart_count, 1);
  EXPECT_EQ(node.status_of("web").container_statuses[0].last_state.terminated->exit_code, 1);

  node.runtime.exit("app", 3, "OOMKilled");
  node.settle();
  EXPECT_FALSE(node.runtime.runs("app"));
  const auto waiting = node.status_of("web").container_statuses[0];
  EXPECT_EQ(waiting.state.waiting->reason, "CrashLoopBackOff");
  EXPECT_EQ(waiting.state.waiting->message,
            "back-off 10s restarting failed container=app pod=web_default(web-uid)");
  EXPECT_EQ(waiting.last_state.terminated->reason, "OOMKilled");
  EXPECT_FALSE(waiting.ready);
  EXPECT_TRUE(node.saw_event("BackOff"));
  node.advance(seconds(9));
  EXPECT_FALSE(node.runtime.runs("app"));
  node.advance(seconds(2));
  EXPECT_TRUE(node.runtime.runs("app"));
  EXPECT_EQ(node.status_of("web").container_statuses[0].restart_count, 2);

  node.runtime.exit("app", 1);
  node.advance(seconds(15));
  EXPECT_FALSE(node.runtime.runs("app"));
  node.advance(seconds(6));
  EXPECT_TRUE(node.runtime.runs("app"));
}

TEST(PodWorker, KeepsOneDeadContainerBesidesTheNewest) {
  Node node;
  node.put(make_pod("web", {make_container("app")}));
  for (int i = 0; i < 4; ++i) {
    node.runtime.exit("app", 1);
    node.advance(minutes(6));
  }
  EXPECT_TRUE(node.runtime.runs("app"));
  EXPECT_EQ(node.runtime.items.size(), 2u);
  EXPECT_EQ(node.status_of("web").container_statuses[0].restart_count, 4);
}

TEST(PodWorker, EndsADeletedPodWithinItsGraceAndThenDeletesIt) {
  Node node;
  node.put(make_pod("web", {make_container("app")}));
  node.delete_pod("web", 7);
  node.settle();
  EXPECT_THAT(node.runtime.calls, IsSupersetOf({"stop app 7", "stop-sandbox", "remove app"}));
  EXPECT_TRUE(node.runtime.boxes.empty());
  EXPECT_FALSE(node.server.get<core::Pod>("default", "web"));
  EXPECT_THAT(node.events_seen, Contains("Killing: Stopping container app"));
  EXPECT_FALSE(std::filesystem::exists(node.dir.path() + "/pods/web-uid"));
  EXPECT_EQ(node.manager->find("default", "web"), nullptr);
}

TEST(PodWorker, EndsWhatTheApiHasForgotten) {
  Node node;
  node.put(make_pod("web", {make_container("app")}));
  node.server.remove<core::Pod>("default", "web");
  node.settle();
  EXPECT_TRUE(node.runtime.items.empty());
  EXPECT_TRUE(node.runtime.boxes.empty());
}

TEST(PodWorker, LeavesRunningContainersAloneWhenTheAgentRestarts) {
  Node node;
  node.put(make_pod("web", {make_container("app")}));
  const auto before = node.runtime.calls;
  const auto status = node.status_of("web");
  node.restart();
  EXPECT_EQ(node.runtime.calls, before);
  EXPECT_EQ(node.status_of("web"), status);
  EXPECT_TRUE(node.runtime.runs("app"));
}

TEST(PodWorker, EndsOrphansAfterARestart) {
  Node node;
  node.put(make_pod("web", {make_container("app")}));
  node.stop();
  node.server.remove<core::Pod>("default", "web");
  node.restart();
  EXPECT_THAT(node.runtime.calls, Contains("stop app 30"));
  EXPECT_TRUE(node.runtime.items.empty());
  EXPECT_TRUE(node.runtime.boxes.empty());
  EXPECT_FALSE(std::filesystem::exists(node.dir.path() + "/pods/web-uid"));
  EXPECT_FALSE(std::filesystem::exists(node.dir.path() + "/logs/default_web_web-uid"));
}

TEST(PodWorker, DoesNotRunAFinishedPodAgain) {
  Node node;
  node.put(make_pod("job", {make_container("app")}, "Never"));
  node.runtime.exit("app", 0);
  node.settle();
  EXPECT_EQ(node.status_of("job").phase, "Succeeded");
  EXPECT_EQ(find_condition(node.status_of("job"), "Ready")->reason, "PodCompleted");
  node.runtime.items.clear();
  node.runtime.boxes.clear();
  node.runtime.calls.clear();
  node.restart();
  EXPECT_THAT(node.runtime.calls, ElementsAre());
  EXPECT_EQ(node.status_of("job").phase, "Succeeded");
}

TEST(PodWorker, SaysWhyAnImageCannotBePulledAndTriesAgain) {
  Node node;
  node.runtime.pull_errors["gone:1"] = "not found";
  node.put(make_pod("web", {make_container("app", "gone:1")}));
  EXPECT_EQ(node.status_of("web").phase, "Pending");
  auto waiting = *node.status_of("web").container_statuses[0].state.waiting;
  EXPECT_EQ(waiting.reason, "ErrImagePull");
  EXPECT_EQ(waiting.message, "not found");
  node.advance(seconds(3));
  waiting = *node.status_of("web").container_statuses[0].state.waiting;
  EXPECT_EQ(waiting.reason, "ImagePullBackOff");
  EXPECT_THAT(waiting.message, HasSubstr("Back-off pulling image \"gone:1\""));
  node.runtime.pull_errors.clear();
  node.advance(seconds(10));
  EXPECT_TRUE(node.runtime.runs("app"));
  EXPECT_EQ(node.status_of("web").phase, "Running");
}

TEST(PodWorker, PullsWithTheCredentialsOfItsSecrets) {
  Node node;
  core::Secret secret;
  secret.metadata.namespace_ = "default";
  secret.metadata.name = "registry";
  secret.type = "kubernetes.io/dockerconfigjson";
  secret.data[".dockerconfigjson"] =
      R"({"auths":{"https://example.com/v1/":{"auth":"bWU6c2VjcmV0"}}})";
  node.server.put(secret);
  auto pod = make_pod("web", {make_container("app", "example.com/app:2")});
  pod.spec.image_pull_secrets.push_back({"registry"});
  node.put(pod);
  EXPECT_THAT(node.runtime.calls, Contains("pull example.com/app:2 as me"));
}

TEST(PodWorker, RefusesAnImageNameThatCannotBe) {
  Node node;
  node.put(make_pod("web", {make_container("app", "Not An Image")}));
  EXPECT_EQ(node.status_of("web").container_statuses[0].state.waiting->reason, "InvalidImageName");
}

TEST(PodWorker, RunsInitContainersInOrderAndThenTheRest) {
  Node node;
  auto pod = make_pod("web", {make_container("app")});
  pod.spec.init_containers = {make_container("one"), make_container("two")};
  node.put(pod);
  EXPECT_TRUE(node.runtime.runs("one"));
  EXPECT_EQ(node.runtime.find("two"), nullptr);
  EXPECT_EQ(node.status_of("web").phase, "Pending");
  EXPECT_EQ(node.status_of("web").container_statuses[0].state.waiting->reason, "PodInitializing");
  EXPECT_EQ(find_condition(node.status_of("web"), "Initialized")->message,
            "containers with incomplete status: [one two]");
  node.runtime.exit("one", 0);
  node.settle();
  EXPECT_TRUE(node.runtime.runs("two"));
  node.runtime.exit("two", 0);
  node.settle();
  EXPECT_TRUE(node.runtime.runs("app"));
  EXPECT_EQ(node.status_of("web").phase, "Running");
  EXPECT_EQ(find_condition(node.status_of("web"), "Initialized")->status, "True");
}

TEST(PodWorker, FailsWhenAnInitContainerFailsAndNothingRestarts) {
  Node node;
  auto pod = make_pod("web", {make_container("app")}, "Never");
  pod.spec.init_containers = {make_container("one")};
  node.put(pod);
  node.runtime.exit("one", 2);
  node.settle();
  EXPECT_EQ(node.status_of("web").phase, "Failed");
  EXPECT_EQ(node.runtime.find("app"), nullptr);
}

TEST(PodWorker, KeepsSidecarsBesideTheOthersAndEndsThemLast) {
  Node node;
  auto pod = make_pod("job", {make_container("app")}, "Never");
  pod.spec.init_containers = {make_sidecar("first"), make_sidecar("second")};
  node.put(pod);
  EXPECT_TRUE(node.runtime.runs("first") && node.runtime.runs("second") &&
              node.runtime.runs("app"));
  node.runtime.exit("first", 1);
  node.settle();
  EXPECT_TRUE(node.runtime.runs("first"));
  node.runtime.calls.clear();
  node.runtime.exit("app", 0);
  node.settle();
  EXPECT_THAT(node.runtime.calls, ElementsAre("stop second 30", "stop first 30", "stop-sandbox"));
  EXPECT_EQ(node.status_of("job").phase, "Succeeded");
}

TEST(PodWorker, MakesANewSandboxWhenTheOldOneHasDied) {
  Node node;
  node.put(make_pod("web", {make_container("app")}));
  (void)node.runtime.stop_sandbox("sandbox-1");
  node.advance(seconds(61));  // No event told: the audit finds it.
  EXPECT_TRUE(node.runtime.runs("app"));
  EXPECT_EQ(node.runtime.find("app")->sandbox_id != "sandbox-1", true);
  EXPECT_EQ(node.status_of("web").container_statuses[0].restart_count, 1);
}

TEST(PodWorker, FailsAtItsDeadline) {
  Node node;
  auto pod = make_pod("web", {make_container("app")});
  pod.spec.active_deadline_seconds = 20;
  node.put(pod);
  node.advance(seconds(18));
  EXPECT_EQ(node.status_of("web").phase, "Running");
  node.advance(seconds(4));
  EXPECT_EQ(node.status_of("web").phase, "Failed");
  EXPECT_EQ(node.status_of("web").reason, "DeadlineExceeded");
  EXPECT_FALSE(node.runtime.runs("app"));
  node.restart();
  EXPECT_EQ(node.status_of("web").reason, "DeadlineExceeded");
}

TEST(PodWorker, RefusesWhatTheNodeHasNoRoomFor) {
  Node node;
  auto big = make_container("app");
  big.resources.requests["cpu"] = api::Quantity::from_value(4);
  node.put(make_pod("web", {big}));
  EXPECT_EQ(node.status_of("web").phase, "Failed");
  EXPECT_EQ(node.status_of("web").reason, "OutOfcpu");
  EXPECT_EQ(node.status_of("web").message,
            "Pod was rejected: Node didn't have enough resource: cpu, requested: 4000, used: 0, "
            "capacity: 2000");
  EXPECT_THAT(node.runtime.calls, ElementsAre());
}

TEST(PodWorker, WaitsForProbesAndRestartsWhatIsNotAlive) {
  Node node;
  auto container = make_container("app");
  core::Probe probe;
  probe.tcp_socket.emplace();
  probe.period_seconds = 2;
  probe.failure_threshold = 2;
  container.readiness_probe = probe;
  node.probe_answers["app"] = false;
  node.put(make_pod("web", {container}));
  EXPECT_FALSE(node.status_of("web").container_statuses[0].ready);
  EXPECT_EQ(find_condition(node.status_of("web"), "Ready")->message,
            "containers with unready status: [app]");
  node.advance(seconds(3));
  EXPECT_TRUE(node.saw_event("Unhealthy"));
  node.probe_answers["app"] = true;
  node.advance(seconds(3));
  EXPECT_TRUE(node.status_of("web").container_statuses[0].ready);

  node.delete_pod("web", 0);
  node.settle();
  container.readiness_probe = std::nullopt;
  container.liveness_probe = probe;
  container.liveness_probe->termination_grace_period_seconds = 3;
  node.put(make_pod("live", {container}));
  EXPECT_TRUE(node.status_of("live").container_statuses[0].ready);
  node.probe_answers["app"] = false;
  node.advance(seconds(6));
  EXPECT_THAT(node.runtime.calls, Contains("stop app 3"));
  EXPECT_THAT(node.events_seen,
              Contains("Killing: Container app failed liveness probe, will be restarted"));
}

TEST(PodWorker, RunsHooksAndHoldsReadinessBackMeanwhile) {
  Node node;
  auto container = make_container("app");
  container.lifecycle.emplace();
  container.lifecycle->post_start.emplace();
  container.lifecycle->post_start->exec.emplace();
  container.lifecycle->post_start->exec->command = {"begin"};
  container.lifecycle->pre_stop = container.lifecycle->post_start;
  container.lifecycle->pre_stop->exec->command = {"finish"};
  node.put(make_pod("web", {container}));
  EXPECT_THAT(node.runtime.calls, Contains("exec app begin"));
  EXPECT_TRUE(node.status_of("web").container_statuses[0].ready);
  node.delete_pod("web", 30);
  node.settle();
  EXPECT_THAT(node.runtime.calls, IsSupersetOf({"exec app finish", "stop app 30"}));
}

TEST(PodWorker, EndsAContainerWhosePostStartHookFails) {
  Node node;
  auto container = make_container("app");
  container.lifecycle.emplace();
  container.lifecycle->post_start.emplace();
  container.lifecycle->post_start->exec.emplace();
  container.lifecycle->post_start->exec->command = {"begin"};
  node.runtime.exec_result.exit_code = 1;
  node.put(make_pod("web", {container}));
  EXPECT_TRUE(node.saw_event("FailedPostStartHook"));
  EXPECT_THAT(node.runtime.calls, Contains("stop app 30"));
}

TEST(PodWorker, SaysWhyAContainerCannotBeStarted) {
  Node node;
  auto container = make_container("app");
  core::EnvVar variable;
  variable.name = "A";
  variable.value_from.emplace();
  variable.value_from->config_map_key_ref.emplace();
  variable.value_from->config_map_key_ref->name = "settings";
  variable.value_from->config_map_key_ref->key = "a";
  container.env = {variable};
  node.put(make_pod("web", {container}));
  EXPECT_EQ(node.status_of("web").container_statuses[0].state.waiting->reason,
            "CreateContainerConfigError");
  core::ConfigMap settings;
  settings.metadata.namespace_ = "default";
  settings.metadata.name = "settings";
  settings.data["a"] = "1";
  node.server.put(settings);
  node.settle();
  EXPECT_TRUE(node.runtime.runs("app"));
  EXPECT_THAT(node.runtime.find("app")->config.env,
              Contains(std::pair<std::string, std::string>("A", "1")));
}

TEST(PodWorker, CountsContainersThatCannotBeExecuted) {
  Node node;
  node.runtime.unstartable.insert("app");
  node.put(make_pod("web", {make_container("app")}));
  const auto status = node.status_of("web").container_statuses[0];
  EXPECT_EQ(status.state.waiting->reason, "CrashLoopBackOff");
  EXPECT_EQ(status.last_state.terminated->reason, "StartError");
  EXPECT_EQ(status.restart_count, 1);
}

TEST(PodWorker, BringsChangesOfAConfigMapToItsFiles) {
  Node node;
  core::ConfigMap settings;
  settings.metadata.namespace_ = "default";
  settings.metadata.name = "settings";
  settings.data["a"] = "1";
  node.server.put(settings);
  auto pod = make_pod("web", {make_container("app")});
  core::Volume volume;
  volume.name = "config";
  volume.config_map.emplace();
  volume.config_map->name = "settings";
  pod.spec.volumes = {volume};
  core::VolumeMount mount;
  mount.name = "config";
  mount.mount_path = "/config";
  pod.spec.containers[0].volume_mounts = {mount};
  node.put(pod);
  const std::string file = node.dir.path() + "/pods/web-uid/volumes/config/a";
  EXPECT_EQ(*read_file(file), "1");
  settings.data["a"] = "2";
  node.server.put(settings);
  node.settle();
  EXPECT_EQ(*read_file(file), "2");
}

TEST(PodWorker, RenewsTokensBeforeTheyEnd) {
  Node node;
  auto pod = make_pod("web", {make_container("app")});
  core::Volume volume;
  volume.name = "token";
  volume.projected.emplace();
  core::VolumeProjection source;
  source.service_account_token.emplace();
  source.service_account_token->path = "token";
  volume.projected->sources = {source};
  pod.spec.volumes = {volume};
  node.put(pod);
  EXPECT_EQ(*read_file(node.dir.path() + "/volatile/web-uid/token/token"), "token-1");
  node.advance(minutes(49));
  EXPECT_EQ(*read_file(node.dir.path() + "/volatile/web-uid/token/token"), "token-2");
}

TEST(PodWorker, RunsEphemeralContainersBesideTheOthers) {
  Node node;
  node.put(make_pod("web", {make_container("app")}));
  auto pod = *node.server.get<core::Pod>("default", "web");
  core::EphemeralContainer debug;
  debug.name = "debug";
  debug.image = "app:1";
  debug.target_container_name = "app";
  pod.spec.ephemeral_containers = {debug};
  node.put(pod);
  ASSERT_TRUE(node.runtime.runs("debug"));
  EXPECT_EQ(node.runtime.find("debug")->config.namespaces.target_id,
            node.runtime.find("app")->status.id);
  EXPECT_TRUE(node.status_of("web").ephemeral_container_statuses.at(0).state.running);
  node.runtime.exit("debug", 0);
  node.advance(minutes(1));
  EXPECT_FALSE(node.runtime.runs("debug"));
  EXPECT_EQ(node.status_of("web").phase, "Running");
}

TEST(PodWorker, WritesAgainWhatOthersHaveOverwritten) {
  Node node;
  node.put(make_pod("web", {make_container("app")}));
  auto pod = *node.server.get<core::Pod>("default", "web");
  for (auto& condition : pod.status.conditions) {
    if (condition.type == "Ready") condition.status = "False";
  }
  node.put(pod);
  EXPECT_EQ(find_condition(node.status_of("web"), "Ready")->status, "True");
}

}  // namespace
}  // namespace pinnace::kubelet::testing
