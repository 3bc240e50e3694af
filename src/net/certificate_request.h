// A certificate request (PKCS #10) of somebody else: whom it would name.
//
// Threads: any. Errors: 400 for text that is no request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pinnace::net {

// The organizations of its subject, which become a user's groups.
Result<std::vector<std::string>> organizations_of_request(std::string_view pem);

}  // namespace pinnace::net
