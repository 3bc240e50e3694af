// Keeps an Endpoints object for every Service with a selector.
//
// Why still: EndpointSlices serve the cluster itself, but many clients read Endpoints.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_endpoints_controller(Context& context);

}  // namespace pinnace::controllers
