// GateMetrics counts who came, and what they were allowed, under the names that dashboards and
// alerts for Kubernetes look for.
//
// Threads: any. Bounds: a few series: of names only those are told that every cluster has.
// Source: k8s.io/apiserver, pkg/endpoints/filters/metrics.go, and pkg/authentication/request/x509.
#pragma once

#include <array>
#include <string>

#include "apiserver/authentication/authenticator.h"
#include "apiserver/authorization/authorizer.h"
#include "base/clock.h"
#include "base/metrics.h"

namespace pinnace::apiserver {

class GateMetrics {
 public:
  explicit GateMetrics(metrics::Registry& registry);

  // What authentication found, anonymous users among those whom it knows.
  void identified(const Authenticator::Found& found, Duration took);
  // A certificate that a request was known by.
  void shown_certificate(Duration rest);
  void decided(const Decision& decision, Duration took);

 private:
  // One result's.
  struct Counted {
    metrics::Series& attempts;
    metrics::HistogramSeries& duration;

    void count(Duration took) const;
  };
  static Counted authentication(metrics::Registry& registry, const char* result);
  static Counted authorization(metrics::Registry& registry, const char* result);

  // By the place of what is told of their names.
  std::array<metrics::Series*, 7> users_;
  const Counted success_, failure_, error_;
  const Counted allowed_, denied_, no_opinion_, undecided_;
  metrics::HistogramSeries& certificate_rest_;
};

}  // namespace pinnace::apiserver
