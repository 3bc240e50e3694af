#include "controllers/resource_quota/plan.h"

#include "api/quota.h"

namespace pinnace::controllers::quotas {

std::set<std::pair<std::string, std::string>> subjects_of(const core_v1::ResourceQuota& quota) {
  std::set<std::pair<std::string, std::string>> subjects;
  for (const auto& hard : quota.spec.hard) {
    auto subject = api::quota_subject_of(hard.first);
    subjects.emplace(std::move(subject.group), std::move(subject.resource));
  }
  return subjects;
}

Count::Count(const core_v1::ResourceQuota& quota, const api::Value& spec, WallTime now)
    : spec_(spec), now_(now) {
  status_.hard = quota.spec.hard;
  for (const auto& [name, hard] : quota.spec.hard) {
    status_.used[name] = api::Quantity::from_value(0, hard.format_kind());
  }
}

void Count::add(std::string_view group, std::string_view resource, const api::Value& object) {
  const api::QuotaSubject subject{group, resource};
  if (!api::is_in_quota_scope(spec_, subject, object)) return;
  for (auto& [name, used] : status_.used) used += api::quota_usage(subject, object, name, now_);
}

}  // namespace pinnace::controllers::quotas
