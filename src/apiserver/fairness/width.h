// How many seats a request takes: one, but for lists by the bytes that they have in hand, and for
// writes by the watches that they wake.
//
// Source: KEP-1040, "Width of the request"; the work estimators of Kubernetes 1.35.
#pragma once

#include <cstddef>
#include <cstdint>

#include "apiserver/catalog/catalog.h"
#include "apiserver/fairness/queue_set.h"
#include "apiserver/fairness/watch_counts.h"
#include "apiserver/http/expiring_cache.h"
#include "store/store.h"

namespace pinnace::apiserver::fairness {

// Of a list of so many objects of so many bytes. `most_seats`: 0 for no bound of the level's own.
Width width_of_list(std::uint64_t objects, double bytes_each, std::uint32_t most_seats);
Width width_of_write(std::size_t watches, std::uint32_t most_seats);

// Threads: any. Bounds: the sizes of kMaxSizes resources are kept, each for a minute.
class WidthEstimator {
 public:
  struct Estimate {
    Width width;
    std::optional<std::size_t> watches;  // That a write will wake.
  };
  WidthEstimator(const store::Store& store, const CatalogHolder& catalog, const Clock& clock)
      : store_(store), catalog_(catalog), clock_(clock) {}

  Estimate of(const Call& call, std::uint32_t most_seats);
  WatchCounts& watches() { return watches_; }

 private:
  static constexpr std::size_t kMaxSizes = 1024;
  Width of_list(const Call& call, std::uint32_t most_seats);
  double bytes_each(const std::string& resource);

  const store::Store& store_;
  const CatalogHolder& catalog_;
  const Clock& clock_;
  WatchCounts watches_;
  ExpiringCache<double> sizes_{kMaxSizes};
};

}  // namespace pinnace::apiserver::fairness
