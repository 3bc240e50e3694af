// TokenAuthenticator knows the users of one kind of bearer token; one for each method, asked in
// order until one knows the token.
//
// Threads: any.
// Errors: any Error means that this method does not vouch for the token; one whose message is not
//   kNotMine says why not, to those who may review tokens.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authentication/user.h"
#include "base/error.h"

namespace pinnace::apiserver {

inline constexpr std::string_view kNotMine = "Unauthorized";  // What errors::unauthorized() says.

struct VerifiedToken {
  User user;
  std::vector<std::string> audiences;  // Those of the token that were asked for.
};

class TokenAuthenticator {
 public:
  using Audiences = std::vector<std::string>;
  using Done = std::function<void(Result<VerifiedToken>)>;
  virtual ~TokenAuthenticator() = default;

  // Whether tokens say for whom they are. Others are for the API server's own audiences alone, and
  // are only asked about those.
  virtual bool knows_audiences() const { return false; }

  // Nothing when somebody outside has to be asked.
  virtual std::optional<Result<VerifiedToken>> check(std::string_view token,
                                                     const Audiences& audiences) = 0;
  // Calls `done` once, before it returns or later, on any thread.
  virtual void ask(const std::string& token, const Audiences& audiences, Done done) {
    done(check(token, audiences).value_or(errors::unauthorized()));
  }
};

}  // namespace pinnace::apiserver
