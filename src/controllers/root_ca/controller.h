// Puts the cluster's root certificate into every namespace, as the ConfigMap kube-root-ca.crt.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_root_ca_controller(Context& context);

}  // namespace pinnace::controllers
