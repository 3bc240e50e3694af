#include "base/metrics.h"

#include <algorithm>
#include <cstdio>

namespace pinnace::metrics {

namespace {

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

std::string label_text(const std::vector<std::string>& names,
                       const std::vector<std::string>& values, const std::string& bound = "") {
  std::string out;
  const auto add = [&](const std::string& name, const std::string& value) {
    out += out.empty() ? "{" : ",";
    out += name + "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      if (c == '\n')
        out += "\\n";
      else
        out += c;
    }
    out += '"';
  };
  for (std::size_t i = 0; i < names.size() && i < values.size(); ++i) add(names[i], values[i]);
  if (!bound.empty()) add("le", bound);
  return out.empty() ? out : out + '}';
}

std::unique_ptr<Series> make_series(Family<Series>*, const std::vector<double>&) {
  return std::make_unique<Series>();
}
std::unique_ptr<HistogramSeries> make_series(Family<HistogramSeries>*,
                                             const std::vector<double>& bounds) {
  return std::make_unique<HistogramSeries>(bounds);
}

void add_to(std::atomic<double>& sum, double amount) {
  double old = sum.load(std::memory_order_relaxed);
  while (!sum.compare_exchange_weak(old, old + amount, std::memory_order_relaxed)) {
  }
}

}  // namespace

void Series::add(double amount) { add_to(value_, amount); }

HistogramSeries::HistogramSeries(const std::vector<double>& bounds)
    : bounds_(bounds), counts_(bounds.size() + 1) {}

void HistogramSeries::observe(double value) {
  const auto slot = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<std::size_t>(slot)].fetch_add(1, std::memory_order_relaxed);
  if (value != 0) add_to(sum_, value);
}

void HistogramSeries::merge(std::span<const std::uint64_t> counts, double sum) {
  for (std::size_t i = 0; i < counts.size() && i < counts_.size(); ++i) {
    counts_[i].fetch_add(counts[i], std::memory_order_relaxed);
  }
  add_to(sum_, sum);
}

template <typename S>
S& Family<S>::with(const std::vector<std::string>& label_values) {
  std::lock_guard lock(mutex);
  auto found = series.find(label_values);
  if (found == series.end()) {
    std::vector<std::string> key = label_values;
    if (series.size() >= kMaxSeries) key.assign(label_names.size(), "overflow");
    found = series.try_emplace(key, nullptr).first;
    if (!found->second) found->second = make_series(this, bounds);
  }
  return *found->second;
}

template class Family<Series>;
template class Family<HistogramSeries>;

Family<Series>& Registry::simple(std::string name, std::string help, std::string type,
                                 std::vector<std::string> labels) {
  std::lock_guard lock(mutex_);
  auto& family = simple_[name];
  if (!family) {
    family = std::make_unique<Family<Series>>();
    family->name = std::move(name);
    family->help = std::move(help);
    family->type = std::move(type);
    family->label_names = std::move(labels);
  }
  return *family;
}

Family<Series>& Registry::counter(std::string name, std::string help,
                                  std::vector<std::string> labels) {
  return simple(std::move(name), std::move(help), "counter", std::move(labels));
}

Family<Series>& Registry::gauge(std::string name, std::string help,
                                std::vector<std::string> labels) {
  return simple(std::move(name), std::move(help), "gauge", std::move(labels));
}

Family<HistogramSeries>& Registry::histogram(std::string name, std::string help,
                                             std::vector<double> bounds,
                                             std::vector<std::string> labels) {
  std::lock_guard lock(mutex_);
  auto& family = histograms_[name];
  if (!family) {
    family = std::make_unique<Family<HistogramSeries>>();
    family->name = std::move(name);
    family->help = std::move(help);
    family->type = "histogram";
    family->label_names = std::move(labels);
    family->bounds = std::move(bounds);
  }
  return *family;
}

std::string Registry::text() const {
  std::lock_guard lock(mutex_);
  std::string out;
  const auto head = [&out](const auto& family) {
    out += "# HELP " + family.name + ' ' + family.help + "\n# TYPE " + family.name + ' ' +
           family.type + '\n';
  };
  for (const auto& [name, family] : simple_) {
    std::lock_guard family_lock(family->mutex);
    head(*family);
    for (const auto& [values, series] : family->series) {
      out += name + label_text(family->label_names, values) + ' ' + number(series->value()) + '\n';
    }
  }
  for (const auto& [name, family] : histograms_) {
    std::lock_guard family_lock(family->mutex);
    head(*family);
    for (const auto& [values, series] : family->series) {
      std::uint64_t total = 0;
      for (std::size_t i = 0; i < series->counts_.size(); ++i) {
        total += series->counts_[i].load(std::memory_order_relaxed);
        const std::string bound = i < family->bounds.size() ? number(family->bounds[i]) : "+Inf";
        out += name + "_bucket" + label_text(family->label_names, values, bound) + ' ' +
               std::to_string(total) + '\n';
      }
      const std::string labels = label_text(family->label_names, values);
      out += name + "_sum" + labels + ' ' + number(series->sum_.load()) + '\n';
      out += name + "_count" + labels + ' ' + std::to_string(total) + '\n';
    }
  }
  return out;
}

}  // namespace pinnace::metrics
