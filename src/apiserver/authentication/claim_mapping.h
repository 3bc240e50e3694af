// ClaimMapping makes a user of the claims of a verified token, by the rules of its issuer.
//
// Threads: any, once made.
// Errors: 401 saying which claim or rule is to blame; 400 at creation for an expression that does
//   not compile.
#pragma once

#include <memory>

#include "api/value.h"
#include "apiserver/authentication/authentication_config.h"
#include "apiserver/authentication/user.h"

namespace pinnace::apiserver {

class ClaimMapping {
 public:
  static Result<ClaimMapping> create(const IssuerSpec& issuer);
  ClaimMapping(ClaimMapping&&) noexcept;
  ~ClaimMapping();

  // Checks the audience and every rule of the issuer too.
  Result<User> user_of(const api::Value& claims) const;

 private:
  struct Programs;
  ClaimMapping(const IssuerSpec& issuer, std::unique_ptr<Programs> programs);

  Result<std::string> username(const api::Value& claims) const;
  Result<void> check_claims(const api::Value& claims) const;

  IssuerSpec issuer_;
  std::unique_ptr<Programs> programs_;
};

}  // namespace pinnace::apiserver
