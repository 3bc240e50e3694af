// Which Secrets with tokens of service accounts nobody uses any more: first they are marked, so
// that their tokens count no longer and somebody may still object, and later they are removed.
//
// Source: kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin, "Legacy
//   ServiceAccount token cleaner".
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "controllers/support/types.h"

namespace pinnace::controllers::legacy_token_cleaner {

inline constexpr std::string_view kInvalidSince = "kubernetes.io/legacy-token-invalid-since";

enum class Fate {
  kKeep,
  kMark,    // Its token shall count no longer, from today on.
  kRemove,  // It was marked long enough ago.
};
// `account` is the one it names; null: there is none, and somebody else cares for it. `period` is
// for how long it must not have been used, and then must have been marked.
Fate fate_of(const core_v1::Secret& secret, const core_v1::ServiceAccount* account, Duration period,
             WallTime now);

// Use is written down since this day (the ConfigMap's `since`), and that is long enough.
bool is_tracked_long_enough(std::string_view since, Duration period, WallTime now);

// A pod that says the name anywhere may have mounted it.
bool may_use(const core_v1::Pod& pod, std::string_view secret);

std::string date_of(WallTime time);  // "2026-01-01"

}  // namespace pinnace::controllers::legacy_token_cleaner
