// Backoff remembers, by key, how long to wait before the next try.
//
// Threads: any.
// Bounds: entries that were not used for twice the longest delay are forgotten at the next use.
// Source: client-go's flowcontrol.Backoff, whose timing users know from CrashLoopBackOff.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace pinnace::kubelet {

class Backoff {
 public:
  Backoff(Duration first, Duration longest) : first_(first), longest_(longest) {}

  // The delay that holds since `event`, if it has not passed at `now`.
  std::optional<Duration> waiting(std::string_view key, WallTime event, WallTime now) const;
  // A try begins: the next delay is twice as long, or the first after a long quiet.
  void next(std::string_view key, WallTime event, WallTime now);
  void reset(std::string_view key);
  void forget_prefix(std::string_view prefix);

 private:
  struct Entry {
    Duration delay;
    WallTime updated;
  };
  bool expired(WallTime event, const Entry& entry) const {
    return event - entry.updated > 2 * longest_;
  }

  const Duration first_, longest_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace pinnace::kubelet
