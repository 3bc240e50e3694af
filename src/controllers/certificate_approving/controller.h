// Approves what nodes' agents ask for themselves, when they are allowed to.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_certificate_approving_controller(Context& context);

}  // namespace pinnace::controllers
