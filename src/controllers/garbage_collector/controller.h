// Deletes what has lost its owners, in the background, in the foreground or not at all (orphans).
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_garbage_collector(Context& context);

}  // namespace pinnace::controllers
