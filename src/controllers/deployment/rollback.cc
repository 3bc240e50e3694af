#include "controllers/deployment/rollback.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "controllers/support/patches.h"

namespace pinnace::controllers::deployment {
namespace {

std::vector<SetRef> all_of(const Sets& sets) {
  std::vector<SetRef> all = sets.old;
  if (sets.current) all.push_back(sets.current);
  return all;
}

// The second highest; 0 when there is none.
std::int64_t revision_before_last(const std::vector<SetRef>& sets) {
  std::int64_t last = 0, before = 0;
  for (const auto& set : sets) {
    const auto revision = revision_of(set->metadata);
    if (revision >= last)
      before = std::exchange(last, revision);
    else
      before = std::max(before, revision);
  }
  return before;
}

void take_over(const ReplicaSet& set, Deployment& deployment) {
  deployment.spec.template_ = set.spec.template_;
  deployment.spec.template_.metadata.labels.erase(std::string(kHashLabel));
  auto& annotations = deployment.metadata.annotations;
  std::erase_if(annotations, [](const auto& each) { return !is_own_annotation(each.first); });
  for (const auto& [key, value] : set.metadata.annotations) {
    if (!is_own_annotation(key)) annotations[key] = value;
  }
}

}  // namespace

Rollback plan_rollback(const Deployment& deployment, const Sets& sets) {
  Rollback plan{deployment, false, "", ""};
  const auto request = plan.updated.metadata.annotations.extract(std::string(kRollbackTo));
  auto revision = request.empty() ? 0 : parse_int(request.mapped()).value_or(0);
  const auto all = all_of(sets);
  plan.reason = "DeploymentRollbackRevisionNotFound";
  if (revision == 0 && (revision = revision_before_last(all)) == 0) {
    plan.message = "Unable to find last revision.";
    return plan;
  }
  const auto found = std::find_if(all.begin(), all.end(), [&](const SetRef& set) {
    return revision_of(set->metadata) == revision;
  });
  if (found == all.end()) {
    plan.message = "Unable to find the revision to rollback to.";
  } else if (same_template((*found)->spec.template_, deployment.spec.template_)) {
    plan.reason = "DeploymentRollbackTemplateUnchanged";
    plan.message = "The rollback revision contains the same template as current deployment " +
                   quoted(deployment.metadata.name);
  } else {
    take_over(**found, plan.updated);
    plan.rolled_back = true;
    plan.reason = "DeploymentRollback";
    plan.message = "Rolled back deployment " + quoted(deployment.metadata.name) + " to revision " +
                   std::to_string(revision);
  }
  return plan;
}

}  // namespace pinnace::controllers::deployment
