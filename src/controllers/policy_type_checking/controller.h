// Says in the status of ValidatingAdmissionPolicies what their expressions get wrong about the
// types that they concern.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_policy_type_checking_controller(Context& context);

}  // namespace pinnace::controllers
