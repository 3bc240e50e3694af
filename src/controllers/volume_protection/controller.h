// Keeps claims that pods use, and volumes that are bound, from going away: see plan.h.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_claim_protection_controller(Context& context);
std::unique_ptr<Controller> make_volume_protection_controller(Context& context);

}  // namespace pinnace::controllers
