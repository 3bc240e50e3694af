// Removes CertificateSigningRequests that nobody waits for any more.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_certificate_cleaner_controller(Context& context);

}  // namespace pinnace::controllers
