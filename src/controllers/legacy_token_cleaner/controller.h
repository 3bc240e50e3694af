// Removes generated Secrets with tokens of service accounts that were not used for a year.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_legacy_token_cleaner(Context& context);

}  // namespace pinnace::controllers
