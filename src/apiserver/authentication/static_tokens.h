// StaticTokens knows the tokens of a file and of the configuration.
//
// Threads: immutable once made. Why by hash: a look-up whose time says nothing about the tokens.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "apiserver/authentication/credential_file.h"
#include "apiserver/authentication/token_authenticator.h"
#include "net/digest.h"

namespace pinnace::apiserver {

class StaticTokens final : public TokenAuthenticator {
 public:
  explicit StaticTokens(const std::vector<Credential>& credentials) {
    for (const auto& [token, user] : credentials) users_.emplace(net::sha256(token), user);
  }

  std::optional<Result<VerifiedToken>> check(std::string_view token,
                                             const Audiences& audiences) override {
    const auto found = users_.find(net::sha256(token));
    if (found == users_.end()) return errors::unauthorized();
    return VerifiedToken{found->second, audiences};
  }

 private:
  std::map<std::string, User, std::less<>> users_;  // By the token's SHA-256.
};

}  // namespace pinnace::apiserver
