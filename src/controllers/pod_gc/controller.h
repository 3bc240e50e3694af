// Removes pods that nobody else would: see plan.h.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_pod_garbage_collector(Context& context);

}  // namespace pinnace::controllers
