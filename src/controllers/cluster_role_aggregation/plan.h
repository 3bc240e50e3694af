// What a ClusterRole that gathers others has to say.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "api/types/rbac_v1.h"

namespace pinnace::controllers::cluster_role_aggregation {

using Role = api::rbac_v1::ClusterRole;
using Rules = std::vector<api::rbac_v1::PolicyRule>;

// The rules of all other roles that a selector of `role` matches, each rule once, in the order of
// `roles`; nothing when the role has them already, or gathers nothing.
std::optional<Rules> gather(const Role& role,
                            const std::vector<std::shared_ptr<const Role>>& roles);

}  // namespace pinnace::controllers::cluster_role_aggregation
