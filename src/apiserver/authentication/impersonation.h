// Impersonation: acting as somebody else, by headers, for those who may `impersonate` him.
//
// Errors: 500 for headers that name a group, uid or extra but no user.
// Source: kubernetes.io/docs/reference/access-authn-authz/authentication, "User impersonation".
#pragma once

#include <optional>
#include <vector>

#include "apiserver/authentication/user.h"
#include "apiserver/authorization/attributes.h"
#include "base/error.h"
#include "net/http.h"

namespace pinnace::apiserver {

struct Impersonation {
  User user;                        // Who is acted as.
  std::vector<Attributes> demands;  // All of these must be allowed.
};

// Nothing when the headers ask for none.
Result<std::optional<Impersonation>> read_impersonation(const net::Headers& headers);

}  // namespace pinnace::apiserver
