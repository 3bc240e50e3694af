// Signs approved CertificateSigningRequests for the signers that have an authority.
#pragma once

#include <memory>

#include "controllers/support/controller.h"

namespace pinnace::controllers {

std::unique_ptr<Controller> make_certificate_signing_controller(Context& context);

}  // namespace pinnace::controllers
