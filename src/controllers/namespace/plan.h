// What a namespace that is being emptied says about itself.
//
// Source: core/v1 NamespaceCondition types and their reasons.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "controllers/support/types.h"

namespace pinnace::controllers::namespaces {

// What one round of deletion found.
struct Contents {
  std::map<std::string, std::int64_t> remaining;   // "pods." or "deployments.apps" → how many
  std::map<std::string, std::int64_t> finalizers;  // finalizer → how many objects have it
  std::vector<std::string> failures;               // what could not be deleted, and why
  bool empty() const { return remaining.empty() && failures.empty(); }
};

// The conditions with this round's outcome; those that say the same keep their time.
std::vector<core_v1::NamespaceCondition> plan_conditions(
    const std::vector<core_v1::NamespaceCondition>& current, const Contents& contents,
    WallTime now);

}  // namespace pinnace::controllers::namespaces
