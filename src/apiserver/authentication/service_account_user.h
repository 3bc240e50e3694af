// The user that a service account is.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/authentication/user.h"

namespace pinnace::apiserver {

// Without the group of all who are known, which a request gets besides.
inline User service_account_user(std::string_view ns, std::string_view name,
                                 std::string_view uid = "") {
  User user;
  ((user.name = kServiceAccountPrefix) += ns) += ':';
  user.name += name;
  user.uid = uid;
  user.groups = {"system:serviceaccounts", "system:serviceaccounts:" + std::string(ns)};
  return user;
}

}  // namespace pinnace::apiserver
