// WorkQueueMetrics counts what one work queue does, under the names that dashboards for Kubernetes
// look for.
//
// Threads: any.
// Source: k8s.io/component-base, metrics/prometheus/workqueue.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/metrics.h"

namespace pinnace::client {

class WorkQueueMetrics {
 public:
  WorkQueueMetrics(metrics::Registry& registry, const std::string& queue);

  void added() { adds_.add(); }
  void retried() { retries_.add(); }
  void waiting(std::size_t keys) { depth_.set(static_cast<double>(keys)); }
  void waited(Duration time);
  void worked(Duration time);

 private:
  metrics::Series &adds_, &retries_, &depth_;
  metrics::HistogramSeries &waited_, &worked_;
};

}  // namespace pinnace::client
