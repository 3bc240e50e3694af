// RequestMetrics counts requests and answers under the names and labels that dashboards and alerts
// for Kubernetes look for.
//
// What counts: what came to a handler of a resource, and checks of health. Who was refused before
//   that, or asked for what no place has, does not.
// Threads: any. Cost: one look-up, in a table that grows while there are requests of new kinds.
// Bounds: those of a metrics::Family; kinds of requests beyond them are counted as one.
// Source: k8s.io/apiserver, pkg/endpoints/metrics.
#pragma once

#include <array>
#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "apiserver/http/call.h"
#include "base/clock.h"
#include "base/metrics.h"

namespace pinnace::apiserver {

class RequestMetrics {
 public:
  explicit RequestMetrics(metrics::Registry& registry);

  // The answer, or its head, was given after `took`.
  void count(const Call& call, int status, Duration took);
  // How many requests of this kind are open, for those that last.
  metrics::Series& open(const Call& call);
  // What watches of the call's resource are told.
  struct Told {
    metrics::Series& events;
    metrics::HistogramSeries& bytes;
  };
  Told told(const Call& call);
  // How many requests that do not last are under way.
  metrics::Series& under_way(bool is_mutating) { return is_mutating ? mutating_ : read_only_; }

 private:
  // What requests of one kind that were answered alike have in common.
  struct Counted {
    metrics::Series& total;
    metrics::HistogramSeries &seconds, &own_seconds;
    metrics::HistogramSeries* bytes;  // Null where nobody wants to know.
  };
  const Counted* find(const std::string& key) const;
  const Counted& add(const std::string& key, const Call& call, int status);

  metrics::Family<metrics::Series>&total_, &open_, &deprecated_, &events_;
  metrics::Family<metrics::HistogramSeries>&seconds_, &own_seconds_, &bytes_, &event_bytes_;
  metrics::Series &mutating_, &read_only_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<const Counted>> counted_;
};

}  // namespace pinnace::apiserver
