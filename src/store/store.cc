#include "store/store.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace pinnace::store {

Unexpected too_large_revision(Revision wanted, Revision current) {
  auto error = errors::timeout("Timeout: Too large resource version: " + std::to_string(wanted) +
                                   ", current: " + std::to_string(current),
                               1);
  error.error().causes.push_back({"ResourceVersionTooLarge", "Too large resource version", ""});
  return error;
}

Result<ObjectRef> Store::commit_and_wait(Write write) {
  std::mutex mutex;
  std::condition_variable ready;
  std::optional<Result<ObjectRef>> outcome;
  commit(std::move(write), [&](Result<ObjectRef> result) {
    const std::lock_guard lock(mutex);  // Held while notifying: the waiter owns both.
    outcome.emplace(std::move(result));
    ready.notify_one();
  });
  std::unique_lock lock(mutex);
  ready.wait(lock, [&] { return outcome.has_value(); });
  return std::move(*outcome);
}

}  // namespace pinnace::store
