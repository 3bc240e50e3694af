// Keeps EndpointSlices that show the Endpoints of Services without a selector, for all who read
// slices alone.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_endpoint_slice_mirroring_controller(Context& context);

}  // namespace pinnace::controllers
