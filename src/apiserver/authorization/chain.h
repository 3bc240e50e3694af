// AuthorizerChain asks the authorizers of the modes that are configured, in their order.
//
// Whoever is of system:masters may do everything, whatever the modes say.
// Threads: any.
// Source: kubernetes.io/docs/reference/access-authn-authz/authorization.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/authorization/authorization_config.h"
#include "apiserver/authorization/authorizer.h"
#include "base/error.h"

namespace pinnace::apiserver {

struct Backend;

class AuthorizerChain final : public Authorizer {
 public:
  // What the configuration names; errors say which mode or file is wrong. The authorizers of the
  // backend must outlive it.
  static Result<std::unique_ptr<AuthorizerChain>> create(Backend& backend);

  std::optional<Decision> decide(const User& user, const Attributes& wanted, bool explain) override;
  void ask(const User& user, const Attributes& wanted, Done done) override;
  void list_rules(const User& user, const std::string& ns, RuleSet& out) override;

 private:
  struct Question;
  void ask_from(std::size_t at, const std::shared_ptr<Question>& question);
  Result<void> add(const AuthorizerSpec& spec, Backend& backend);
  void own(std::unique_ptr<Authorizer> made) {
    chain_.push_back(made.get());
    owned_.push_back(std::move(made));
  }

  std::vector<Authorizer*> chain_;
  std::vector<std::unique_ptr<Authorizer>> owned_;
};

// Where it could not be found out: a text, for the 500 of a request to `target`.
std::string internal_error_text(std::string_view target, std::string_view why);
// 403 in the words that clients know: who cannot do what, where; 500 when it could not be found
// out.
Error forbidden_error(const User& user, const Attributes& wanted, const Decision& decision);

}  // namespace pinnace::apiserver
