// Follower keeps what somebody derives from one resource up to date, at the cost of what changed.
//
// Why: who indexes objects reads all of them once, then each change, and all again when the store
//   no longer has the changes since; whoever does that by hand forgets one of the three.
// Threads: one at a time; `wake` comes on any, also while another call runs.
// Errors: where the store cannot be read, nothing is given, and the next call tries again.
// Bounds: some hundred events at a time; what is kept is the caller's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "store/store.h"

namespace pinnace::store {

class Follower {
 public:
  using Restart = std::function<void(const Snapshot&)>;
  using Change = std::function<void(const Event&)>;

  // `wake`: as for Store::watch, once something has been read. It must not destroy the Follower.
  Follower(
      Store& store, std::string resource, std::function<void()> wake = [] {})
      : store_(store), resource_(std::move(resource)), wake_(std::move(wake)) {}

  const std::string& resource() const { return resource_; }
  // Calls `change` for each change since the last call, in order; at the first call, and wherever
  // there is a gap, `restart` with all that is there instead. False: the store could not be read,
  // and what was derived is as old as it was.
  bool catch_up(const Restart& restart, const Change& change);
  // For those who read all of it anyway: whether anything may have changed since the last call.
  bool take_changes();
  // What was given was of no use: the next call begins again.
  void forget() { watcher_.reset(); }

 private:
  bool read_events(const Change& change);
  void open(Revision after);

  Store& store_;
  const std::string resource_;
  const std::function<void()> wake_;
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace pinnace::store
