#include "client/work_queue_metrics.h"

#include <vector>

namespace pinnace::client {
namespace {

const std::vector<double> kSeconds = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10};
const std::vector<std::string> kLabels = {"name"};

}  // namespace

WorkQueueMetrics::WorkQueueMetrics(metrics::Registry& registry, const std::string& queue)
    : adds_(
          registry.counter("workqueue_adds_total", "Keys that were added.", kLabels).with({queue})),
      retries_(registry.counter("workqueue_retries_total", "Keys whose work failed.", kLabels)
                   .with({queue})),
      depth_(registry.gauge("workqueue_depth", "Keys that wait.", kLabels).with({queue})),
      waited_(registry
                  .histogram("workqueue_queue_duration_seconds", "Time that keys have waited.",
                             kSeconds, kLabels)
                  .with({queue})),
      worked_(registry
                  .histogram("workqueue_work_duration_seconds", "Time that their work took.",
                             kSeconds, kLabels)
                  .with({queue})) {}

void WorkQueueMetrics::waited(Duration time) {
  waited_.observe(std::chrono::duration<double>(time).count());
}

void WorkQueueMetrics::worked(Duration time) {
  worked_.observe(std::chrono::duration<double>(time).count());
}

}  // namespace pinnace::client
