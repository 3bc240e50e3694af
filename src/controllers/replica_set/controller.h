// Keeps the wanted number of pods for each ReplicaSet and each ReplicationController.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_replica_set_controller(Context& context);
std::unique_ptr<Controller> make_replication_controller_controller(Context& context);

}  // namespace pinnace::controllers
