// What a signer of kubernetes.io answers to an approved request: a certificate, or why not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "controllers/support/certificate_requests.h"

namespace pinnace::controllers::certificate_signing {

// Approved, and neither answered yet nor failed.
bool awaits_certificate(const SigningRequest& request);

struct Lifetime {
  WallTime not_before, not_after;
};
// From a little before now, for the clocks of others, until what is wanted, at most `longest` from
// now and at most until the authority ends. An Error if that has ended.
Result<Lifetime> lifetime_of(std::optional<std::int32_t> wanted_seconds, Duration longest,
                             WallTime authority_end, WallTime now);

// The request with its certificate, or with the condition Failed when it breaks its signer's rules.
Result<SigningRequest> answer(const SigningRequest& request,
                              const net::CertificateAndKey& authority, Duration longest,
                              WallTime now);

}  // namespace pinnace::controllers::certificate_signing
