// Fills Secrets of type kubernetes.io/service-account-token, and removes them with their account.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_service_account_token_controller(Context& context);

}  // namespace pinnace::controllers
