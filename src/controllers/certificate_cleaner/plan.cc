#include "controllers/certificate_cleaner/plan.h"

namespace pinnace::controllers::certificate_cleaner {
namespace {

using std::chrono::hours;

constexpr Duration kAfterDecision = hours(1);
constexpr Duration kAfterNothing = hours(24);

bool is_older(const api::Time& time, Duration age, WallTime now) {
  return !time.is_zero() && now - time.value > age;
}

bool has_ended(const std::string& certificate_pem, WallTime now) {
  const auto info = net::inspect_certificate(certificate_pem);
  return info && now > info->not_after;
}

}  // namespace

bool has_served(const SigningRequest& request, WallTime now) {
  const auto& status = request.status;
  if (status.conditions.empty()) {
    return is_older(request.metadata.creation_timestamp, kAfterNothing, now);
  }
  for (const auto& condition : status.conditions) {
    const auto is_past = [&](Duration age) {
      return is_older(condition.last_update_time, age, now);
    };
    if (condition.type == kDenied || condition.type == kFailed) {
      if (is_past(kAfterDecision)) return true;
    } else if (condition.type == kApproved && status.certificate.empty()) {
      if (is_past(kAfterNothing)) return true;
    } else if (condition.type == kApproved) {
      if (is_past(kAfterDecision) || has_ended(status.certificate, now)) return true;
    }
  }
  return false;
}

}  // namespace pinnace::controllers::certificate_cleaner
