// Writes into each ResourceQuota's status how much of it is used, and brings that up to date when
// something is made or goes.
//
// Why also from time to time: quotas count objects of any kind, and not every kind is watched.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_resource_quota_controller(Context& context);

}  // namespace pinnace::controllers
