// What a ResourceQuota's status should be.
//
// Threads: any; pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/value.h"
#include "controllers/support/types.h"

namespace pinnace::controllers::quotas {

// Group and resource of what the quota counts, each once.
std::set<std::pair<std::string, std::string>> subjects_of(const core_v1::ResourceQuota& quota);

// Counts objects of one kind after another.
class Count {
 public:
  // `spec` is the quota's as JSON; it outlives the count.
  Count(const core_v1::ResourceQuota& quota, const api::Value& spec, WallTime now);
  void add(std::string_view group, std::string_view resource, const api::Value& object);
  const core_v1::ResourceQuotaStatus& status() const { return status_; }

 private:
  const api::Value& spec_;
  const WallTime now_;
  core_v1::ResourceQuotaStatus status_;
};

}  // namespace pinnace::controllers::quotas
