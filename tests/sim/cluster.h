// Cluster is a whole control plane in one thread: API server over a store in memory, controllers,
// scheduler, and pretend nodes, on a virtual clock and with chance from a seed.
//
//   Cluster cluster(seed);
//   cluster.add_nodes(3);
//   cluster.create("/api/v1/namespaces/default/pods", R"({...})");
//   EXPECT_TRUE(cluster.run_until([&] { return ...; }));
//
// The same seed gives the same run, to the last revision.
// Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/server.h"
#include "client/client.h"
#include "client/local_transport.h"
#include "client/test_support.h"
#include "controllers/manager.h"
#include "scheduler/scheduler.h"
#include "sim/checkers.h"
#include "sim/node.h"
#include "sim/slow_transport.h"
#include "store/embedded.h"

namespace pinnace::sim {

class Cluster {
 public:
  // The ring of events holds a whole run, unless told otherwise: the watch checkers begin at its
  // first revision.
  explicit Cluster(std::uint64_t seed, std::size_t ring_events = 1 << 16);
  ~Cluster();

  const client::Client& api() const { return admin_; }
  net::Handler& server() { return *server_; }
  io::Loop& loop() { return loop_; }
  // Of the authority that signs for it.
  static const std::string& authority_pem();
  PretendNode& add_node(PretendNode::Options options);
  void add_nodes(int count, const std::string& cpu = "8");

  void run_for(Duration duration) { executor_.advance(duration); }
  // In steps of a tenth of a second, `each_step` after each; false if it has not come true by then.
  bool run_until(
      const std::function<bool()>& done, Duration at_most = std::chrono::minutes(5),
      const std::function<void()>& each_step = [] {});

  // Controllers and scheduler end, in the midst of what they do, and begin anew.
  void restart_loops();

  // As an administrator. A failure fails the test.
  void create(const std::string& path, const std::string& json);
  void patch(const std::string& path, const std::string& merge_patch);
  void remove(const std::string& path, const std::string& propagation = "");
  template <typename T>
  std::vector<T> list(const std::string& ns = "default", const std::string& labels = "") const {
    auto list = admin_.list<T>({.ns = ns, .label_selector = labels});
    return list ? std::move(list->items) : std::vector<T>();
  }
  template <typename T>
  Result<T> get(const std::string& name, const std::string& ns = "default") const {
    return admin_.get<T>(ns, name);
  }

  std::size_t writes() const { return write_checker_->writes(); }
  store::Revision revision() const { return store_->revision(); }
  // What all checkers found.
  Faults faults();

 private:
  io::SimExecutor executor_;
  client::testing::SimLoop loop_{executor_};
  std::unique_ptr<Rng> rng_;
  metrics::Registry metrics_;
  std::unique_ptr<store::EmbeddedStore> store_;
  std::unique_ptr<WriteChecker> write_checker_;
  std::unique_ptr<apiserver::Server> server_;
  client::LocalTransport admin_transport_, controller_transport_, scheduler_transport_;
  SlowTransport slow_controllers_{controller_transport_, *rng_},
      slow_scheduler_{scheduler_transport_, *rng_};
  client::Client admin_{admin_transport_}, controller_api_{slow_controllers_},
      scheduler_api_{slow_scheduler_};
  std::unique_ptr<controllers::Manager> controllers_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::vector<std::unique_ptr<PretendNode>> nodes_;
  std::vector<std::unique_ptr<WatchChecker>> watch_checkers_;
  std::unique_ptr<BindChecker> bind_checker_;
};

}  // namespace pinnace::sim
