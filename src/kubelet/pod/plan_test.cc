#include "kubelet/pod/plan.h"

#include <gtest/gtest.h>

#include "kubelet/testing/harness.h"

namespace pinnace::kubelet::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kNow = WallTime(std::chrono::hours(500000));

// What the runtime knows of a pod, put together piece by piece.
struct Scene {
  core::Pod pod;
  PodState state;
  Backoff backoff{seconds(10), minutes(5)};
  std::map<std::string, Health> liveness, startup;
  bool started = true;

  explicit Scene(core::Pod p) : pod(std::move(p)) {}
  void sandbox(const std::string& id, bool ready, std::uint32_t attempt = 0) {
    cri::Sandbox box;
    box.id = id;
    box.ready = ready;
    box.attempt = attempt;
    state.sandboxes.insert(state.sandboxes.begin(), box);
  }
  // The newest one first, as read_pod_state has it.
  void container(const std::string& name, cri::ContainerState s, int exit_code = 0,
                 int restarts = 0, const std::string& sandbox_id = "s") {
    ContainerRecord record;
    record.sandbox_id = sandbox_id;
    record.status.id = name + std::to_string(restarts);
    record.status.name = name;
    record.status.state = s;
    record.status.exit_code = exit_code;
    record.status.finished_at_ns = (kNow - seconds(1)).time_since_epoch().count();
    record.status.annotations[std::string(kRestartCountAnnotation)] = std::to_string(restarts);
    if (const auto spec = find_container(pod, name)) {
      record.status.annotations[std::string(kHashAnnotation)] = container_hash(*spec);
    }
    state.containers.insert(state.containers.begin(), record);
  }
  void running(const std::string& name) { container(name, cri::ContainerState::kRunning); }
  void exited(const std::string& name, int code) {
    container(name, cri::ContainerState::kExited, code);
  }
  Plan plan() const {
    const auto look = [](const auto& map) {
      return [&map](const std::string& id) {
        const auto found = map.find(id);
        return found == map.end() ? Health::kUnknown : found->second;
      };
    };
    const ProbeView probes{look(liveness), look(startup), [this](const auto&) { return started; }};
    return make_plan({pod, state, backoff, probes, kNow});
  }
  std::string starts() const {
    std::string out;
    for (const auto& action : plan().start) {
      out += (out.empty() ? "" : " ") + action.container.name;
    }
    return out;
  }
};

core::Pod with_init(std::vector<core::Container> init, const std::string& policy = "Always") {
  auto pod = make_pod("p", {make_container("a"), make_container("b")}, policy);
  pod.spec.init_containers = std::move(init);
  return pod;
}

TEST(Plan, BeginsWithASandbox) {
  Scene scene(make_pod("p", {make_container("a")}));
  const Plan plan = scene.plan();
  EXPECT_TRUE(plan.create_sandbox);
  EXPECT_FALSE(plan.kill_sandbox);
  EXPECT_EQ(plan.sandbox_attempt, 0u);
}

TEST(Plan, ReplacesASandboxThatHasDied) {
  Scene scene(make_pod("p", {make_container("a")}));
  scene.sandbox("s", false, 3);
  scene.running("a");
  const Plan plan = scene.plan();
  EXPECT_TRUE(plan.kill_sandbox && plan.create_sandbox);
  EXPECT_EQ(plan.sandbox_attempt, 4u);
}

TEST(Plan, GivesNoSecondSandboxToAPodThatNeverRestarts) {
  Scene scene(make_pod("p", {make_container("a")}, "Never"));
  scene.sandbox("s", false);
  scene.container("a", cri::ContainerState::kUnknown);
  EXPECT_TRUE(scene.plan().idle());
}

TEST(Plan, RestartsByPolicy) {
  for (const auto& [policy, code, expected] :
       std::vector<std::tuple<std::string, int, std::string>>{{"Always", 0, "a"},
                                                              {"Always", 1, "a"},
                                                              {"OnFailure", 0, ""},
                                                              {"OnFailure", 1, "a"},
                                                              {"Never", 0, ""},
                                                              {"Never", 1, ""}}) {
    Scene scene(make_pod("p", {make_container("a"), make_container("b")}, policy));
    scene.sandbox("s", true);
    scene.exited("a", code);
    scene.running("b");
    EXPECT_EQ(scene.starts(), expected) << policy << ' ' << code;
  }
}

TEST(Plan, DoesNotRepeatWhatSucceededInAnEarlierSandbox) {
  Scene scene(make_pod("p", {make_container("a"), make_container("b")}, "OnFailure"));
  scene.sandbox("s", true);
  scene.container("a", cri::ContainerState::kExited, 0, 0, "older");
  scene.container("b", cri::ContainerState::kExited, 1, 0, "older");
  EXPECT_EQ(scene.starts(), "b");
}

TEST(Plan, RunsInitContainersOneByOne) {
  Scene scene(with_init({make_container("one"), make_container("two")}));
  scene.sandbox("s", true);
  EXPECT_EQ(scene.starts(), "one");
  scene.running("one");
  EXPECT_EQ(scene.starts(), "");
  scene.state.containers.clear();
  scene.exited("one", 0);
  EXPECT_EQ(scene.starts(), "two");
  scene.exited("two", 0);
  EXPECT_EQ(scene.starts(), "a b");
}

TEST(Plan, DoesNotRunInitContainersAgainOnceTheOthersHaveBegun) {
  Scene scene(with_init({make_container("one")}));
  scene.sandbox("s", true);
  scene.running("a");
  EXPECT_EQ(scene.starts(), "b");
}

TEST(Plan, RestartsAnInitContainerUnlessThePodNeverDoes) {
  Scene again(with_init({make_container("one")}));
  again.sandbox("s", true);
  again.exited("one", 1);
  EXPECT_EQ(again.starts(), "one");
  Scene never(with_init({make_container("one")}, "Never"));
  never.sandbox("s", true);
  never.exited("one", 1);
  EXPECT_TRUE(never.plan().idle());
  EXPECT_TRUE(has_finished(never.pod, never.state));
}

TEST(Plan, StartsWhatFollowsASidecarOnceItHasStarted) {
  Scene scene(with_init({make_sidecar("proxy"), make_container("one")}));
  scene.sandbox("s", true);
  EXPECT_EQ(scene.starts(), "proxy");
  scene.running("proxy");
  scene.started = false;
  EXPECT_EQ(scene.starts(), "");
  scene.started = true;
  EXPECT_EQ(scene.starts(), "one");
}

TEST(Plan, KeepsASidecarRunning) {
  Scene scene(with_init({make_sidecar("proxy")}));
  scene.sandbox("s", true);
  scene.exited("proxy", 0);
  scene.running("a");
  scene.running("b");
  EXPECT_EQ(scene.starts(), "proxy");
}

TEST(Plan, IsFinishedThoughSidecarsRun) {
  Scene scene(with_init({make_sidecar("proxy")}, "Never"));
  scene.sandbox("s", true);
  scene.running("proxy");
  scene.exited("a", 0);
  EXPECT_FALSE(has_finished(scene.pod, scene.state));
  scene.exited("b", 1);
  EXPECT_TRUE(has_finished(scene.pod, scene.state));
  EXPECT_TRUE(scene.plan().idle());
}

TEST(Plan, WaitsBeforeTheSecondRestart) {
  Scene scene(make_pod("p", {make_container("a")}));
  scene.sandbox("s", true);
  scene.exited("a", 1);
  const Plan first = scene.plan();
  ASSERT_EQ(first.start.size(), 1u);
  EXPECT_EQ(first.start[0].restart_count, 1u);
  scene.backoff.next(first.start[0].backoff_key, first.start[0].last_finished, kNow);
  const Plan second = scene.plan();
  EXPECT_TRUE(second.start.empty());
  ASSERT_EQ(second.waiting.size(), 1u);
  EXPECT_EQ(second.waiting[0].reason, "CrashLoopBackOff");
  EXPECT_EQ(second.look_again, seconds(9));
}

TEST(Plan, CountsOnFromTheStatusWhenTheContainerIsGone) {
  Scene scene(make_pod("p", {make_container("a")}));
  core::ContainerStatus status;
  status.name = "a";
  status.container_id = "containerd://x";
  status.restart_count = 7;
  scene.pod.status.container_statuses = {status};
  scene.sandbox("s", true);
  EXPECT_EQ(scene.plan().start.at(0).restart_count, 8u);
}

TEST(Plan, EndsWhatIsNotAliveOrHasChanged) {
  Scene scene(make_pod("p", {make_container("a"), make_container("b"), make_container("c")}));
  scene.sandbox("s", true);
  for (const char* name : {"a", "b", "c"}) scene.running(name);
  scene.liveness["a0"] = Health::kFailed;
  scene.startup["b0"] = Health::kFailed;
  scene.pod.spec.containers[2].image = "app:2";
  const Plan plan = scene.plan();
  ASSERT_EQ(plan.kill.size(), 3u);
  EXPECT_EQ(plan.kill[0].message, "Container a failed liveness probe, will be restarted");
  EXPECT_EQ(plan.kill[1].message, "Container b failed startup probe, will be restarted");
  EXPECT_EQ(plan.kill[2].message, "Container c definition changed, will be restarted");
}

TEST(Plan, StartsEphemeralContainersOnce) {
  Scene scene(make_pod("p", {make_container("a")}));
  core::EphemeralContainer debug;
  debug.name = "debug";
  debug.target_container_name = "a";
  scene.pod.spec.ephemeral_containers = {debug};
  scene.sandbox("s", true);
  scene.running("a");
  ASSERT_EQ(scene.starts(), "debug");
  EXPECT_EQ(scene.plan().start[0].shares_processes_of, "a0");
  scene.exited("debug", 1);
  EXPECT_EQ(scene.starts(), "");
}

TEST(Backoff, DoublesAndForgets) {
  Backoff backoff(seconds(10), minutes(5));
  WallTime at = kNow;
  EXPECT_FALSE(backoff.waiting("k", at, at));
  std::vector<std::int64_t> delays;
  for (int i = 0; i < 7; ++i) {
    backoff.next("k", at, at);
    delays.push_back(std::chrono::floor<seconds>(*backoff.waiting("k", at, at)).count());
    at += *backoff.waiting("k", at, at);
    EXPECT_FALSE(backoff.waiting("k", at - minutes(5), at));
  }
  EXPECT_EQ(delays, (std::vector<std::int64_t>{10, 20, 40, 80, 160, 300, 300}));
  at += minutes(11);  // It ran for long: from the beginning.
  EXPECT_FALSE(backoff.waiting("k", at, at));
  backoff.next("k", at, at);
  EXPECT_EQ(backoff.waiting("k", at, at), seconds(10));
  backoff.forget_prefix("k");
  EXPECT_FALSE(backoff.waiting("k", at, at));
}

}  // namespace
}  // namespace pinnace::kubelet::testing
