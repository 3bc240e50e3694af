// Whole seconds: what API timestamps hold, and what plans count in.
#pragma once

#include <cstdint>

#include "api/time.h"
#include "base/clock.h"

namespace pinnace::controllers {

inline api::Time to_time(WallTime now) {
  return api::Time{std::chrono::floor<std::chrono::seconds>(now)};
}
inline Duration seconds(std::int64_t count) { return std::chrono::seconds(count); }

}  // namespace pinnace::controllers
