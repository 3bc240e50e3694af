// Which labels a node's agent may give to its node, and which are for administrators alone.
//
// Why: labels steer pods to nodes. A node that was taken over must not draw others' pods to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"

namespace pinnace::apiserver {

bool may_node_set_label(std::string_view key);
// The labels that differ between the two and that the agent may not set, in order.
std::vector<std::string> forbidden_label_changes(const api::Value* before, const api::Value* after);

}  // namespace pinnace::apiserver
