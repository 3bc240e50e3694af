// Keeps the EndpointSlices of every Service with a selector.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_endpoint_slice_controller(Context& context);

}  // namespace pinnace::controllers
