// Gives every node its block of pod addresses (spec.podCIDR).
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_node_ipam_controller(Context& context);

}  // namespace pinnace::controllers
