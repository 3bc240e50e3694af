// Which requests approve themselves once their maker is allowed to have them.
#pragma once

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "controllers/support/certificate_requests.h"

namespace pinnace::controllers::certificate_approving {

// As what a request is recognized: the subresource of certificatesigningrequests that its maker
// must be allowed to create, and what the approval then says.
struct Recognition {
  std::string_view subresource, message;
};

// In the order in which they are to be tried; none for a request that is decided, or not a node's.
// 400 for a request that cannot be read.
Result<std::vector<Recognition>> recognize(const SigningRequest& request);

SigningRequest approve(const SigningRequest& request, const Recognition& as, WallTime now);

}  // namespace pinnace::controllers::certificate_approving
