// When a CertificateSigningRequest has served: an hour after it was issued, denied or failed, a day
// after it was made or approved and nothing came of it, and when its certificate ends.
#pragma once

#include "base/clock.h"
#include "controllers/support/certificate_requests.h"

namespace pinnace::controllers::certificate_cleaner {

bool has_served(const SigningRequest& request, WallTime now);

}  // namespace pinnace::controllers::certificate_cleaner
