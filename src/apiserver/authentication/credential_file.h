// The files of --token-auth-file and --basic-auth-file: lines of "SECRET,USER,UID[,"GROUP,..."]".
//
// Errors: 400 naming the file and the line.
// Bounds: a file of at most 16 MiB.
// Source: kubernetes.io/docs/reference/access-authn-authz/authentication, "Static token file".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authentication/user.h"
#include "base/error.h"

namespace pinnace::apiserver {

struct Credential {
  std::string secret;
  User user;
};

Result<std::vector<Credential>> parse_credentials(std::string_view text);
Result<std::vector<Credential>> read_credentials(const std::string& path);

}  // namespace pinnace::apiserver
