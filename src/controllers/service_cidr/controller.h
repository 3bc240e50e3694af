// Keeps ServiceCIDRs ready, and lets go of those that nobody needs any more: see plan.h.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_service_cidr_controller(Context& context);

}  // namespace pinnace::controllers
