// PodManager has a worker for each pod that the API binds to this node, and for each that it no
// longer knows but that has left something behind.
//
// Threads: any. Its informer and timers belong to the executor.
// Lifetime: `stop` before the executor and the pools end.
// Bounds: what the API binds here; beyond the node's limit pods are refused by Admission.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/metrics.h"
#include "client/informer.h"
#include "kubelet/pod/pod_worker.h"
#include "kubelet/repeater.h"
#include "kubelet/server/server.h"

namespace pinnace::kubelet {

class PodManager final : public PodDirectory {
 public:
  PodManager(const PodContext& context, metrics::Registry& metrics);
  ~PodManager() override;

  // Begins to watch. Pods are worked on once `node_known` was called and all that they need (the
  // Services' names) has arrived.
  void start();
  void node_known();
  // Workers do nothing any more; containers stay. Blocks until the executor has ended the watch:
  // not from its thread.
  void stop();

  void wake(const std::string& pod_uid);
  // From the runtime's watch.
  void runtime_event(const std::string& id);

  std::shared_ptr<const core::Pod> find(std::string_view ns, std::string_view name) const override;
  std::vector<std::shared_ptr<const core::Pod>> all() const override;

 private:
  using PodRef = PodWorker::PodRef;
  using Workers = std::map<std::string, std::shared_ptr<PodWorker>, std::less<>>;

  // On the executor.
  void begin_if_complete();
  void changed(const PodRef& before, const PodRef& after);
  void ended(const std::string& uid, const std::string& key);

  void take(const PodRef& pod, bool orphan);
  Workers workers() const;
  bool known(std::string_view uid) const;
  // Compares what the runtime has with what the workers know. Says when to do so again.
  Duration audit();
  void count(const Workers& workers);

  const PodContext& context_;
  client::Informer<core::Pod> pods_;
  metrics::Family<metrics::Series>& running_pods_;
  Repeater auditor_;

  mutable std::mutex mutex_;
  Workers workers_;  // By pod uid.
  bool node_known_ = false, begun_ = false, stopped_ = false;
  bool services_synced_ = false;
  bool missed_events_ = false;
};

}  // namespace pinnace::kubelet
