#include "controllers/garbage_collector/plan.h"

#include <algorithm>

#include "controllers/garbage_collector/graph.h"

namespace pinnace::controllers::gc {

Verdict decide(const meta_v1::ObjectMeta& meta, const std::vector<OwnerState>& states,
               bool has_dependents, bool dependent_in_foreground) {
  Verdict verdict;
  if (states.empty()) return verdict;
  const auto has = [&](OwnerState state) {
    return std::find(states.begin(), states.end(), state) != states.end();
  };
  if (has(OwnerState::kSolid)) {
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (states[i] != OwnerState::kSolid) verdict.uids.push_back(meta.owner_references[i].uid);
    }
    if (!verdict.uids.empty()) verdict.action = Verdict::Action::kDropOwners;
    return verdict;
  }
  verdict.action = Verdict::Action::kDelete;
  if (has(OwnerState::kWaiting) && has_dependents) {
    verdict.propagation = "Foreground";
    verdict.unblock = dependent_in_foreground;
    return verdict;
  }
  // What its creator asked for by a finalizer holds for a deletion by us as well.
  const auto has_finalizer = [&](std::string_view finalizer) {
    return std::find(meta.finalizers.begin(), meta.finalizers.end(), finalizer) !=
           meta.finalizers.end();
  };
  verdict.propagation = has_finalizer(kOrphan)       ? "Orphan"
                        : has_finalizer(kForeground) ? "Foreground"
                                                     : "Background";
  return verdict;
}

}  // namespace pinnace::controllers::gc
