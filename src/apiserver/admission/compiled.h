// Compiled is what is made of all objects of some kinds, made anew when one of them changes.
//
// Why: configurations and policies are read by every request and change seldom.
// Cost: a look at two numbers while nothing changes.
// Threads: any; whoever comes first after a change makes it anew, those who come meanwhile wait.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/store.h"

namespace pinnace::apiserver {

template <typename T>
class Compiled {
 public:
  using Ref = std::shared_ptr<const T>;
  using Build = std::function<Ref(const store::Store&)>;

  Compiled(store::Store& store, std::vector<std::string> resources, Build build)
      : store_(store), build_(std::move(build)), changes_(std::make_shared<Changes>(1)) {
    for (auto& resource : resources) feeds_.push_back({std::move(resource), nullptr});
  }

  Ref current() {
    if (made_of_.load() != changes_->load()) {
      const std::lock_guard lock(mutex_);
      const auto seen = changes_->load();
      if (made_of_.load() != seen) {
        for (Feed& feed : feeds_) drain(feed);
        current_.store(build_(store_));
        made_of_.store(seen);
      }
    }
    return current_.load();
  }

 private:
  using Changes = std::atomic<std::uint64_t>;
  struct Feed {
    std::string resource;
    std::unique_ptr<store::Watcher> watcher;
  };

  // Takes what has come, so that the next change is told.
  void drain(Feed& feed) {
    constexpr std::size_t kAtOnce = 256;
    std::vector<store::Event> events;
    while (feed.watcher != nullptr) {
      events.clear();
      if (!feed.watcher->next(events, kAtOnce)) feed.watcher.reset();
      if (events.size() < kAtOnce) break;
    }
    if (feed.watcher != nullptr) return;
    auto watcher = store_.watch(feed.resource, "", store_.revision(),
                                [changes = changes_] { changes->fetch_add(1); });
    if (watcher) feed.watcher = std::move(*watcher);
    // Without one, the next request tries again.
    else
      changes_->fetch_add(1);
  }

  store::Store& store_;
  const Build build_;
  const std::shared_ptr<Changes> changes_;
  std::atomic<std::uint64_t> made_of_{0};
  std::atomic<Ref> current_;
  std::mutex mutex_;
  std::vector<Feed> feeds_;
};

}  // namespace pinnace::apiserver
