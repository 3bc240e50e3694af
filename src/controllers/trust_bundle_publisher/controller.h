// Says as a ClusterTrustBundle with which authority the API server is verified.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_trust_bundle_publisher(Context& context);

}  // namespace pinnace::controllers
