// NodeReporter registers the node and keeps its object in the API true.
//
// The status is looked at every 10 s and written when it says something new, else every 5 minutes:
// that the node lives, its Lease says. While the node is not ready it is looked at as often as
// every 50 ms, so that it becomes ready as soon as the runtime is.
// A runtime that restarts does not make the node unready: for 30 s what it said last holds.
// Threads: any; the work is done on the pool. Lifetime: `stop` before the executor and the pool
//   end.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "client/client.h"
#include "client/informer.h"
#include "kubelet/node/node_status.h"
#include "kubelet/repeater.h"

namespace pinnace::kubelet {

class NodeReporter {
 public:
  struct Options {
    const client::Client& api;
    cri::Runtime& runtime;
    Executor& executor;
    ThreadPool& pool;
    const Clock& clock;
    NodeIdentity identity;
    std::string root_dir;  // Its filesystem is the node's.
    // The node as the API has it, each time that it has changed; from the executor.
    std::function<void(const core::Node& node)> changed;
  };
  explicit NodeReporter(Options options);

  void start();
  // On the executor's thread.
  void stop();
  // Images have come or gone, or the runtime has.
  void look_again();
  // The uid of the node's object; empty before it is registered.
  std::string uid() const;

 private:
  Duration report();
  Result<core::Node> find_or_register(const NodeFacts& facts);
  Result<core::Node> with_labels(core::Node node);
  NodeFacts read_facts();
  Result<std::vector<cri::Condition>> runtime_conditions();
  Result<void> write(const core::Node& node, const NodeFacts& facts);

  const Options options_;
  client::Informer<core::Node> node_;
  Repeater repeater_;

  mutable std::mutex mutex_;
  std::optional<core::Node> known_;  // As the API has it.

  // Of the work only.
  WallTime written_at_{};
  int failures_ = 0;  // Looks in a row at which the node was not ready.
  bool labelled_ = false;
  cri::Version runtime_version_;
  std::vector<cri::Condition> conditions_;  // What the runtime said last, and when.
  std::optional<MonotonicTime> conditions_at_;
  std::vector<cri::Image> images_;
  std::string image_path_;  // Where the runtime keeps images.
};

}  // namespace pinnace::kubelet
