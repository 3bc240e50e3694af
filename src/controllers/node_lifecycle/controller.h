// Watches over nodes: marks those that fell silent, taints them, and evicts pods by NoExecute
// taints.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_node_lifecycle_controller(Context& context);
std::unique_ptr<Controller> make_taint_eviction_controller(Context& context);

}  // namespace pinnace::controllers
