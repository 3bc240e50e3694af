// Writes into ClusterRoles that gather others what those may do.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_cluster_role_aggregation_controller(Context& context);

}  // namespace pinnace::controllers
