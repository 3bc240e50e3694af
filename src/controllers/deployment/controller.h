// Rolls Deployments out: makes a ReplicaSet for each pod template and moves replicas between them.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_deployment_controller(Context& context);

}  // namespace pinnace::controllers
