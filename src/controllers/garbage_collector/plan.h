// Whether an object lives on, given what became of its owners.
//
// Source: Kubernetes "Garbage Collection": background, foreground and orphan.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controllers/support/types.h"

namespace pinnace::controllers::gc {

enum class OwnerState {
  kSolid,    // Exists and stays.
  kWaiting,  // Is being deleted in the foreground: waits for its dependents to go.
  kAbsent,   // Is gone.
};

struct Verdict {
  enum class Action {
    kKeep,
    kDropOwners,  // Keep it, but take `uids` out of its ownerReferences.
    kDelete,      // With `propagation`.
  };
  Action action = Action::kKeep;
  std::vector<std::string> uids;
  std::string propagation;
  // Before the deletion: its references must no longer block their owners, since one of its own
  // dependents is in a circle with them.
  bool unblock = false;
};

// `states` are the owners' in the order of `meta.owner_references`. `has_dependents`, and whether
// one of them is itself deleted in the foreground.
Verdict decide(const meta_v1::ObjectMeta& meta, const std::vector<OwnerState>& states,
               bool has_dependents, bool dependent_in_foreground);

}  // namespace pinnace::controllers::gc
