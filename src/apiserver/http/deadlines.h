// Deadlines end requests that take too long: whoever was not answered in his time is told so with a
// 504, and an answer that is still being sent then is cut.
//
// Why a queue of our own: most requests are answered before they would be put into it, and of the
//   others most have the same time, so that one timer serves all of them.
// Lifetime: behind a shared_ptr; outlives every Call in it.
// Threads: any.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/error.h"

namespace pinnace::apiserver {

struct Call;
class Query;

// The time that a request has: what the client says by `timeout`, but at most `most`. 400 for what
// is no duration.
Result<Duration> request_timeout(const Query& query, Duration most);

class Deadlines : public std::enable_shared_from_this<Deadlines> {
 public:
  explicit Deadlines(Executor& executor) : executor_(executor) {}

  // A Call's place in the queue; leaves it when it goes.
  class Entry {
   public:
    Entry() = default;
    ~Entry() { leave(); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    // Once, before other threads have the Call.
    void belong_to(std::shared_ptr<Deadlines> queue) { queue_ = std::move(queue); }
    // After the Call is over. Costs nothing where it is not in.
    void leave();

   private:
    friend class Deadlines;
    std::shared_ptr<Deadlines> queue_;
    std::multimap<MonotonicTime, Call*>::iterator at_;
    std::atomic<bool> is_in_{false};  // Changes under the queue's lock.
  };
  // `call`, whose entry belongs to this, has until `at`, unless it is over already.
  void add(Call& call, MonotonicTime at);

 private:
  void remove(Entry& entry);  // Needs the lock, as `arm` does.
  void arm();
  void look();

  Executor& executor_;
  std::mutex mutex_;
  std::multimap<MonotonicTime, Call*> calls_;
  std::optional<MonotonicTime> armed_;
};

}  // namespace pinnace::apiserver
