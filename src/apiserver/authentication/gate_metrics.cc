#include "apiserver/authentication/gate_metrics.h"

#include <algorithm>
#include <vector>

namespace pinnace::apiserver {
namespace {

// From 1 ms on, each twice the one before.
const std::vector<double> kSeconds = {0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128,
                                      0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384};
constexpr double kHour = 3600, kDay = 24 * kHour;
const std::vector<double> kRest = {0,          kHour / 2, kHour,      2 * kHour, 6 * kHour,
                                   12 * kHour, kDay,      2 * kDay,   4 * kDay,  7 * kDay,
                                   30 * kDay,  90 * kDay, 180 * kDay, 360 * kDay};

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

// What is told of users' names: the first five are names themselves.
constexpr std::array<const char*, 7> kUsers = {
    "admin",    "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default",
    "email_id", "other"};
constexpr std::size_t kNames = 5, kEmailId = 5, kOther = 6;

std::size_t place_of(std::string_view name) {
  const auto found = std::find(kUsers.begin(), kUsers.begin() + kNames, name);
  if (found != kUsers.begin() + kNames) return static_cast<std::size_t>(found - kUsers.begin());
  return name.find('@') != std::string_view::npos ? kEmailId : kOther;
}

metrics::HistogramSeries& times(metrics::Registry& registry, const char* name, const char* help,
                                const char* result) {
  return registry.histogram(name, help, kSeconds, {"result"}).with({result});
}

}  // namespace

GateMetrics::Counted GateMetrics::authentication(metrics::Registry& registry, const char* result) {
  return {
      registry.counter("authentication_attempts", "Attempts to know users.", {"result"})
          .with({result}),
      times(registry, "authentication_duration_seconds", "Time until a user was known.", result)};
}

GateMetrics::Counted GateMetrics::authorization(metrics::Registry& registry, const char* result) {
  return {
      registry.counter("authorization_attempts_total", "Questions what users may do.", {"result"})
          .with({result}),
      times(registry, "authorization_duration_seconds", "Time until it was known.", result)};
}

GateMetrics::GateMetrics(metrics::Registry& registry)
    : success_(authentication(registry, "success")),
      failure_(authentication(registry, "failure")),
      error_(authentication(registry, "error")),
      allowed_(authorization(registry, "allowed")),
      denied_(authorization(registry, "denied")),
      no_opinion_(authorization(registry, "no-opinion")),
      undecided_(authorization(registry, "error")),
      certificate_rest_(registry
                            .histogram("apiserver_client_certificate_expiration_seconds",
                                       "Time that certificates of requests still had.", kRest)
                            .with()) {
  auto& users = registry.counter("authenticated_user_requests", "Requests of users who are known.",
                                 {"username"});
  for (std::size_t i = 0; i < users_.size(); ++i) users_[i] = &users.with({kUsers[i]});
}

void GateMetrics::Counted::count(Duration took) const {
  attempts.add(1);
  duration.observe(seconds(took));
}

void GateMetrics::identified(const Authenticator::Found& found, Duration took) {
  const Counted& counted = !found ? error_ : *found ? success_ : failure_;
  counted.count(took);
  if (found && *found) users_[place_of((*found)->name)]->add(1);
}

void GateMetrics::shown_certificate(Duration rest) { certificate_rest_.observe(seconds(rest)); }

void GateMetrics::decided(const Decision& decision, Duration took) {
  const Counted& counted = !decision.error.empty()                   ? undecided_
                           : decision.verdict == Verdict::kAllow     ? allowed_
                           : decision.verdict == Verdict::kNoOpinion ? no_opinion_
                                                                     : denied_;
  counted.count(took);
}

}  // namespace pinnace::apiserver
