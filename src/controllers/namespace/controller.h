// Empties a namespace that is being deleted, and then lets it go.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_namespace_controller(Context& context);

}  // namespace pinnace::controllers
