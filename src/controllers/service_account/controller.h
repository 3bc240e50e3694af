// Gives every namespace its service account "default".
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_service_account_controller(Context& context);

}  // namespace pinnace::controllers
