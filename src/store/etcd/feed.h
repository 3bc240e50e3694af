// Feed keeps a history at what etcd holds: one watch over all our keys, resumed where it broke.
//
// Why one watch and not one for each resource: the cache then stands at one revision, as the
//   embedded store does, and lists and bookmarks of any resource may say so.
// Threads: any; publishes to the history under a lock of its own, one stream's events at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "store/etcd/layout.h"
#include "store/history.h"

namespace pinnace::store::etcd {

class Feed : public std::enable_shared_from_this<Feed> {
 public:
  struct Options {
    std::shared_ptr<Client> client;
    Layout layout;
    std::shared_ptr<History> history;
    Executor& executor;
    Revision replay = 0;               // How far before the present it begins when it must reload.
    std::function<void()> on_advance;  // The history has moved on.
  };
  explicit Feed(Options options) : options_(std::move(options)) {}

  // Watches from where the history stands, on the member that calls go to now.
  void start();
  // Leaves a stream that hangs, and its member.
  void restart();
  void stop();

 private:
  void take(std::uint64_t stream, const WatchEvents& events);
  void ended(std::uint64_t stream, const Error& error);
  void start_later();
  void reload();

  const Options options_;
  std::mutex mutex_;
  std::uint64_t stream_ = 0;  // What earlier streams still say does not count.
  std::unique_ptr<Watch> watch_;
  bool is_stopped_ = false;
  bool is_down_ = false;  // Said so already.
};

}  // namespace pinnace::store::etcd
