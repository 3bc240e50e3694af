// WorkQueue runs one function for keys that need attention, one key at a time.
//
// A key that is added again before its turn is worked on once. An Error brings the key back: after
// 5 ms, doubling to 1000 s; a Conflict (Retry::kAfterRead) waits a second at most, because the next
// try reads anew.
// Threads: `work` runs on the executor; all methods from any thread, the destructor on the
//   executor's thread or when it has ended.
// Bounds: as many keys as there are objects; each waits in at most one place.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace pinnace::client {

class WorkQueue {
 public:
  using Work = std::function<Result<void>(const std::string& key)>;
  WorkQueue(Executor& executor, Work work);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;

  void add(const std::string& key);
  // An earlier time that was asked for stays.
  void add_after(const std::string& key, Duration delay);
  // Forgets the failures of a key.
  void forget(const std::string& key);
  // Adds all keys, now and then, for what no event tells. Replaces an earlier one.
  void resync_every(Duration period, std::function<std::vector<std::string>()> keys);
  // Keys that wait for their turn (not for a time).
  std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pinnace::client
