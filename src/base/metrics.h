// Metrics: counters, gauges and histograms, printed in the Prometheus text format.
//
// A metric is made once, by name, and lives as long as its registry. A label set makes a series.
// Bounds: a family keeps at most 2,000 series; past that, values go to one series whose labels
//   are all "overflow".
// Threads: any.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pinnace::metrics {

class Series {
 public:
  void add(double amount = 1);
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class HistogramSeries {
 public:
  explicit HistogramSeries(const std::vector<double>& bounds);
  void observe(double value);
  // What was counted elsewhere: a number for each bound, one for what is above all, and the sum.
  void merge(std::span<const std::uint64_t> counts, double sum);
  const std::vector<double>& bounds() const { return bounds_; }

 private:
  friend class Registry;
  const std::vector<double>& bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;  // One more than bounds: +Inf.
  std::atomic<double> sum_{0};
};

// One name with its label names. `with` finds or makes the series for the label values.
template <typename S>
class Family {
 public:
  S& with(const std::vector<std::string>& label_values = {});
  // Takes away the series of what there is no more. Nobody may hold on to those.
  template <typename Keep>
  void keep_only(Keep keep) {
    const std::lock_guard lock(mutex);
    std::erase_if(series, [&](const auto& entry) { return !keep(entry.first); });
  }

 private:
  friend class Registry;
  static constexpr std::size_t kMaxSeries = 2000;
  std::string name, help, type;
  std::vector<std::string> label_names;
  std::vector<double> bounds;
  std::mutex mutex;
  std::map<std::vector<std::string>, std::unique_ptr<S>> series;
};

class Registry {
 public:
  Family<Series>& counter(std::string name, std::string help, std::vector<std::string> labels = {});
  Family<Series>& gauge(std::string name, std::string help, std::vector<std::string> labels = {});
  Family<HistogramSeries>& histogram(std::string name, std::string help, std::vector<double> bounds,
                                     std::vector<std::string> labels = {});
  // The whole registry in the Prometheus text format, families by name.
  std::string text() const;

 private:
  Family<Series>& simple(std::string name, std::string help, std::string type,
                         std::vector<std::string> labels);
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family<Series>>> simple_;
  std::map<std::string, std::unique_ptr<Family<HistogramSeries>>> histograms_;
};

}  // namespace pinnace::metrics
