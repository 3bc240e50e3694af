// A node in virtual time: a fake runtime and a fake API, and all that a PodWorker is given.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/test_support.h"
#include "kubelet/files.h"
#include "kubelet/pod/pod_manager.h"
#include "kubelet/testing/fake_api.h"
#include "kubelet/testing/fake_runtime.h"

namespace pinnace::kubelet::testing {

// A directory that is gone with the test.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "kubelet_test_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline core::Container make_container(const std::string& name, const std::string& image = "app:1") {
  core::Container container;
  container.name = name;
  container.image = image;
  container.image_pull_policy = "IfNotPresent";
  container.termination_message_path = "/dev/termination-log";
  container.termination_message_policy = "File";
  return container;
}
inline core::Container make_sidecar(const std::string& name) {
  auto container = make_container(name);
  container.restart_policy = "Always";
  return container;
}
inline core::Pod make_pod(const std::string& name, std::vector<core::Container> containers,
                          const std::string& restart_policy = "Always") {
  core::Pod pod;
  pod.metadata.name = name;
  pod.metadata.namespace_ = "default";
  pod.metadata.uid = name + "-uid";
  pod.spec.node_name = "node";
  pod.spec.containers = std::move(containers);
  pod.spec.restart_policy = restart_policy;
  pod.spec.dns_policy = "ClusterFirst";
  pod.spec.termination_grace_period_seconds = 30;
  pod.status.phase = "Pending";
  return pod;
}

class Harness {
 public:
  Harness() {
    runtime.add_image("app:1");
    admission.set_offer({"node", {{"zone", "a"}}, {2000, 4ll << 30, 100ll << 30}, 110});
  }
  ~Harness() {
    volumes.stop();
    prober.stop();
    settle();
  }

  // Runs all that can run now.
  void settle() {
    do sim.run_until_idle();
    while (pool.run_one() || slow_pool.run_one());
  }
  void advance(Duration time) {
    const auto end = sim.monotonic() + time;
    while (sim.monotonic() < end) {
      sim.advance(std::min<Duration>(std::chrono::milliseconds(100), end - sim.monotonic()));
      settle();
    }
  }
  core::PodStatus status_of(const std::string& name) {
    const auto pod = server.get<core::Pod>("default", name);
    return pod ? pod->status : core::PodStatus();
  }
  // As a user's deletion.
  void delete_pod(const std::string& name, std::int64_t grace) {
    auto pod = *server.get<core::Pod>("default", name);
    pod.metadata.deletion_timestamp = sim.wall() + std::chrono::seconds(grace);
    pod.metadata.deletion_grace_period_seconds = grace;
    server.put(pod);
  }
  bool saw_event(const std::string& reason) const {
    return std::ranges::any_of(
        events_seen, [&](const std::string& event) { return event.starts_with(reason + ':'); });
  }

  io::SimExecutor sim;
  TempDir dir;
  FakeApi server;
  FakeRuntime runtime{sim};
  client::Client api{server};
  client::testing::SimLoop loop{sim};
  ThreadPool pool{"test", 0}, slow_pool{"test-slow", 0};
  std::vector<std::string> events_seen;       // "REASON: message"
  std::map<std::string, bool> probe_answers;  // By container name; absent: success.
  EventSink sink = [this](const core::ObjectReference&, std::string_view, std::string_view reason,
                          const std::string& message) {
    events_seen.push_back(std::string(reason) + ": " + message);
  };
  std::function<void(const std::string&)> wake = [](const std::string&) {};

  HttpFetcher http{loop};
  Backoff crashes{std::chrono::seconds(10), std::chrono::minutes(5)};
  Volumes volumes{api,
                  sim,
                  sim,
                  {dir.path() + "/pods", dir.path() + "/volatile"},
                  [this](const std::string& uid) { wake(uid); }};
  ImagePuller puller{runtime, sim, sink, [] {}};
  Prober prober{sim,
                [this](const ProbeTry& what, std::function<void(bool, std::string)> done) {
                  const auto found = probe_answers.find(what.container->name);
                  done(found == probe_answers.end() || found->second, "no");
                },
                sink, [this](const std::string& uid) { wake(uid); }};
  std::optional<ServiceLinks> services;
  Admission admission;
  StopSignal stopping;
  std::optional<PodContext> context;

 protected:
  void make_context() {
    services.emplace(api, sim);
    context.emplace(PodContext{api,
                               runtime,
                               sim,
                               sim,
                               pool,
                               slow_pool,
                               volumes,
                               puller,
                               crashes,
                               prober,
                               http,
                               *services,
                               admission,
                               stopping,
                               sink,
                               {"10.96.0.10",
                                "cluster.local",
                                {},
                                "/pinnace-test-none",
                                dir.path() + "/logs",
                                dir.path() + "/seccomp",
                                4ll << 30},
                               "node",
                               "192.0.2.1",
                               2000});
  }
};

// A Harness with a PodManager on it.
class Node : public Harness {
 public:
  Node() { restart(); }
  ~Node() { stop(); }
  void stop() {
    if (!manager) return;
    // `stop` waits for the executor, which is this thread's: let it go on meanwhile.
    std::thread stopper([this] { manager->stop(); });
    stopper_done_ = false;
    std::thread watcher([&] {
      stopper.join();
      stopper_done_ = true;
    });
    while (!stopper_done_) sim.run_until_idle();
    watcher.join();
    settle();
    manager.reset();
    runtime.stop();
  }
  // The agent ends, if it runs, and begins anew; the runtime goes on.
  void restart() {
    stop();
    make_context();
    manager = std::make_unique<PodManager>(*context, metrics);
    wake = [this](const std::string& uid) {
      if (manager) manager->wake(uid);
    };
    manager->start();
    manager->node_known();
    runtime.watch([this](const std::string& id) {
      if (manager) manager->runtime_event(id);
    });
    settle();
  }
  void put(const core::Pod& pod) {
    server.put(pod);
    settle();
  }

  metrics::Registry metrics;
  std::unique_ptr<PodManager> manager;

 private:
  std::atomic<bool> stopper_done_ = false;
};

}  // namespace pinnace::kubelet::testing
