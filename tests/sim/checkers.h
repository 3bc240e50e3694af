// Checkers watch a simulated cluster from outside and say what must never be.
//
// Each collects faults while the simulation runs; `faults` is empty when all was well.
// Threads: the simulation's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "store/store.h"

namespace pinnace::sim {

using Faults = std::vector<std::string>;

// Stands between the API server and its store and remembers every write that was acknowledged.
class WriteChecker final : public store::Store {
 public:
  explicit WriteChecker(store::Store& inner) : inner_(inner) {}
  Result<store::ObjectRef> get(const store::Key& key) const override { return inner_.get(key); }
  Result<store::Snapshot> list(std::string_view resource, std::string_view ns,
                               std::string_view start_after, std::size_t limit,
                               store::Revision at) const override {
    return inner_.list(resource, ns, start_after, limit, at);
  }
  std::size_t count(std::string_view resource) const override { return inner_.count(resource); }
  store::Revision revision() const override { return inner_.revision(); }
  Result<void> reseal() override { return inner_.reseal(); }
  void commit(store::Write write, Done done) override;
  Result<std::unique_ptr<store::Watcher>> watch(std::string_view resource, std::string_view ns,
                                                store::Revision after,
                                                std::function<void()> wake) override {
    return inner_.watch(resource, ns, after, std::move(wake));
  }

  std::size_t writes() const { return writes_; }
  // What was acknowledged and is not there, or not in the state that was acknowledged last.
  Faults faults() const;

 private:
  store::Store& inner_;
  std::map<store::Key, store::Revision> kept_;
  std::size_t writes_ = 0;
};

// Follows one resource by a watch from its first revision, and compares what the events add up to
// with a list.
class WatchChecker {
 public:
  WatchChecker(const client::Client& api, Executor& executor, std::string path);
  // Reads the list; call when the executor is idle.
  Faults faults() const;

 private:
  void take(std::string_view line);

  const client::Client& api_;
  const std::string path_;
  std::map<std::string, std::string> versions_;  // uid → resourceVersion
  std::uint64_t last_ = 0;
  Faults faults_;
  std::unique_ptr<client::WatchStream> stream_;
};

// No pod changes its node, and no node is given more than it has.
class BindChecker {
 public:
  BindChecker(const client::Client& api, Executor& executor);
  ~BindChecker();
  const Faults& faults() const { return faults_; }
  std::size_t bound() const { return nodes_.size(); }

 private:
  struct Informers;
  std::map<std::string, std::string> nodes_;  // pod uid → node
  Faults faults_;
  std::unique_ptr<Informers> informers_;
};

}  // namespace pinnace::sim
