// ImageCollector removes images that no container uses when the disk fills up.
//
// Threads: any; the work is done on the pool. Lifetime: `stop` before the executor and the pool
//   end.
// Source: Kubernetes documentation, "Garbage collection of unused containers and images".
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "kubelet/cri/runtime.h"
#include "kubelet/events.h"
#include "kubelet/repeater.h"

namespace pinnace::kubelet {

struct ImageRecord {
  cri::Image image;
  WallTime first_seen, last_used;
};

// The ids to remove, in this order, to free so many bytes: the longest unused first, and none that
// came less than two minutes ago.
std::vector<std::string> images_to_remove(const std::vector<ImageRecord>& unused,
                                          std::uint64_t bytes_to_free, WallTime now);

class ImageCollector {
 public:
  struct Options {
    cri::Runtime& runtime;
    Executor& executor;
    ThreadPool& pool;
    const Clock& clock;
    EventSink events;
    core::ObjectReference node;
    std::string pause_image;        // Always in use.
    std::function<void()> removed;  // Called after images were removed.
  };
  explicit ImageCollector(Options options);
  void start() { repeater_.wake(); }
  void stop() { repeater_.stop(); }

 private:
  Duration collect();
  // Notes what is used now; the images that are not.
  Result<std::vector<ImageRecord>> unused_images(WallTime now);
  std::uint64_t bytes_to_free() const;
  void remove(const std::vector<std::string>& ids, std::uint64_t wanted_bytes);

  const Options options_;
  std::map<std::string, ImageRecord> records_;  // By image id.
  Repeater repeater_;
};

}  // namespace pinnace::kubelet
