// ProbeState counts the results of one probe until they mean something.
//
// Source: Kubernetes documentation, "Configure Liveness, Readiness and Startup Probes".
#pragma once

#include <cstdint>

#include "kubelet/pod/plan.h"

namespace pinnace::kubelet {

enum class ProbeKind { kLiveness, kReadiness, kStartup };

class ProbeState {
 public:
  ProbeState(ProbeKind kind, std::int32_t success_threshold, std::int32_t failure_threshold)
      : kind_(kind),
        success_threshold_(success_threshold < 1 ? 1 : success_threshold),
        failure_threshold_(failure_threshold < 1 ? 3 : failure_threshold),
        health_(kind == ProbeKind::kLiveness ? Health::kHealthy : Health::kUnknown) {}

  // True if the health changed.
  bool record(bool success) {
    run_ = success == last_ ? run_ + 1 : 1;
    last_ = success;
    if (run_ < (success ? success_threshold_ : failure_threshold_)) return false;
    const Health now = success ? Health::kHealthy : Health::kFailed;
    if (now == health_) return false;
    health_ = now;
    return true;
  }
  Health health() const { return health_; }
  // What an earlier life of the agent had found out.
  void assume(Health health) { health_ = health; }
  // A container that failed for good is replaced; one that has started is not asked again.
  bool over() const {
    if (kind_ == ProbeKind::kStartup) return health_ != Health::kUnknown;
    return kind_ == ProbeKind::kLiveness && health_ == Health::kFailed;
  }

 private:
  const ProbeKind kind_;
  const std::int32_t success_threshold_, failure_threshold_;
  Health health_;
  std::int32_t run_ = 0;
  bool last_ = false;
};

}  // namespace pinnace::kubelet
