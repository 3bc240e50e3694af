// Authenticator proves who sent a request. It asks in this order: an authenticating proxy, the
// client's certificate, a bearer token (of the file, of a service account, of a bootstrap Secret,
// of an issuer, of a webhook), a password.
//
// Threads: any.
// Errors: 401 Unauthorized, with nothing in it that helps a guesser.
// Source: kubernetes.io/docs/reference/access-authn-authz/authentication.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authentication/authentication_config.h"
#include "apiserver/authentication/request_header.h"
#include "apiserver/authentication/service_account_tokens.h"
#include "apiserver/authentication/static_tokens.h"
#include "apiserver/authentication/user.h"
#include "apiserver/server.h"
#include "base/error.h"

namespace pinnace::apiserver {

class Authenticator {
 public:
  // The user, or nothing when the request carries no credentials.
  using Found = Result<std::optional<User>>;

  static Result<std::unique_ptr<Authenticator>> create(const Options& options);

  // Nothing when somebody outside has to be asked.
  std::optional<Found> authenticate(const net::Request& request);
  // Calls `done` once, before it returns or later, on any thread.
  void ask(const net::Request& request, std::function<void(Found)> done);
  // Whose a bearer token is that is meant for any of `audiences`; `done` as of `ask`.
  void review(const std::string& token, const std::vector<std::string>& audiences,
              TokenAuthenticator::Done done);
  // Whether system:anonymous may ask for a path; `is_public`: it is one of health or version.
  bool admits_anonymous(std::string_view path, bool is_public) const;

  const ServiceAccountTokens& service_accounts() const { return *service_accounts_; }
  const std::vector<std::string>& api_audiences() const { return audiences_; }

 private:
  struct Question;
  explicit Authenticator(const Options& options);
  Result<void> add_methods(const Options& options);
  // What needs no token; nothing when that does not tell.
  std::optional<Found> without_token(const net::Request& request);
  Found with_password(std::string_view header) const;
  void ask_from(std::size_t at, const std::shared_ptr<Question>& question);

  const std::vector<std::string> audiences_;
  Anonymous anonymous_;
  std::vector<std::string> anonymous_paths_;
  std::unique_ptr<RequestHeader> request_header_;
  ServiceAccountTokens* service_accounts_ = nullptr;
  std::vector<std::unique_ptr<TokenAuthenticator>> methods_;
  std::vector<Credential> passwords_;
};

}  // namespace pinnace::apiserver
