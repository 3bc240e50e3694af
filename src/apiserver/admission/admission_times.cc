#include "apiserver/admission/admission_times.h"

#include <bit>
#include <utility>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/admission/request_view.h"

namespace pinnace::apiserver {
namespace {

const std::vector<double> kSeconds = {0.005, 0.025, 0.1, 0.5, 1, 2.5};

}  // namespace

std::unique_ptr<AdmissionTimes> AdmissionTimes::of_plugin(metrics::Registry& registry,
                                                          std::string name) {
  auto& family = registry.histogram("apiserver_admission_controller_admission_duration_seconds",
                                    "Time that an admission plugin took.", kSeconds,
                                    {"name", "operation", "rejected", "type"});
  return std::unique_ptr<AdmissionTimes>(new AdmissionTimes(family, std::move(name)));
}

std::unique_ptr<AdmissionTimes> AdmissionTimes::of_step(metrics::Registry& registry) {
  auto& family = registry.histogram("apiserver_admission_step_admission_duration_seconds",
                                    "Time that all plugins of a step took.", kSeconds,
                                    {"operation", "rejected", "type"});
  return std::unique_ptr<AdmissionTimes>(new AdmissionTimes(family, {}));
}

void AdmissionTimes::observe(AdmissionPass pass, Operation operation, bool is_rejected,
                             Duration took) {
  const auto place = static_cast<unsigned>(std::countr_zero(static_cast<unsigned>(operation))) |
                     static_cast<unsigned>(pass) << 2 | (is_rejected ? 8u : 0u);
  auto& slot = series_[place];
  metrics::HistogramSeries* series = slot.load(std::memory_order_acquire);
  if (series == nullptr) {
    series = &make(pass, operation, is_rejected);
    slot.store(series, std::memory_order_release);
  }
  series->observe(std::chrono::duration<double>(took).count());
}

metrics::HistogramSeries& AdmissionTimes::make(AdmissionPass pass, Operation operation,
                                               bool is_rejected) const {
  std::vector<std::string> labels = {std::string(operation_name(operation)),
                                     is_rejected ? "true" : "false",
                                     pass == AdmissionPass::kMutate ? "admit" : "validate"};
  if (!plugin_.empty()) labels.insert(labels.begin(), plugin_);
  return family_.with(labels);
}

}  // namespace pinnace::apiserver
