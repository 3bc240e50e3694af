// From the objects that are there to what is to be done with them: which levels and schemas are at
// work, and what is wrong with which schema.
//
// Pure. Source: kubernetes.io/docs/concepts/cluster-administration/flow-control.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/fairness/model.h"

namespace pinnace::apiserver::fairness {

struct Digest {
  struct LevelAtWork {
    PriorityLevel settings;
    SeatLimits limits;
  };
  std::vector<LevelAtWork> levels;
  std::vector<FlowSchema> schemas;  // In their order; each one's level is there.
};

// `concurrency`: seats of the whole server. Mandatory objects that are missing are thought to be
// there; schemas whose level is missing are left out.
Digest digest(std::vector<PriorityLevel> levels, std::vector<FlowSchema> schemas,
              std::uint32_t concurrency);

// What the condition Dangling of a schema says.
struct Dangling {
  std::string_view status, reason;
  std::string message;
};
Dangling dangling(std::string_view level, bool is_there);

}  // namespace pinnace::apiserver::fairness
