// AdmissionTimes is how long admission takes, by plugin and by step, under the names that
// dashboards for Kubernetes look for.
//
// Threads: any. Bounds: sixteen series each, made when they are first needed.
// Source: k8s.io/apiserver, pkg/admission/metrics.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"

namespace pinnace::apiserver {

enum class Operation : unsigned;
enum class AdmissionPass : unsigned { kMutate, kValidate };

class AdmissionTimes {
 public:
  // One plugin's.
  static std::unique_ptr<AdmissionTimes> of_plugin(metrics::Registry& registry, std::string name);
  // Those of a whole pass, whatever plugins there are.
  static std::unique_ptr<AdmissionTimes> of_step(metrics::Registry& registry);

  void observe(AdmissionPass pass, Operation operation, bool is_rejected, Duration took);

 private:
  AdmissionTimes(metrics::Family<metrics::HistogramSeries>& family, std::string plugin)
      : family_(family), plugin_(std::move(plugin)) {}
  metrics::HistogramSeries& make(AdmissionPass pass, Operation operation, bool is_rejected) const;

  metrics::Family<metrics::HistogramSeries>& family_;
  const std::string plugin_;  // "": of a step
  // By pass, operation and outcome.
  std::array<std::atomic<metrics::HistogramSeries*>, 16> series_{};
};

}  // namespace pinnace::apiserver
