// Makes the IPAddresses that Services lack, and removes those that no Service has: see plan.h.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_ip_address_repair_controller(Context& context);

}  // namespace pinnace::controllers
