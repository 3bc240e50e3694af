// Authorizer answers whether a user may do something; one for each mode, asked in order until one
// has an opinion.
//
// Why two ways to ask: most answers are at hand, and a request must not pay for those that are not.
// Threads: any.
// Source: kubernetes.io/docs/reference/access-authn-authz/authorization.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/authentication/user.h"
#include "apiserver/authorization/attributes.h"
#include "apiserver/authorization/rule.h"

namespace pinnace::apiserver {

enum class Verdict {
  kAllow,      // The request goes on.
  kDeny,       // It ends, whatever others would say.
  kNoOpinion,  // Ask the next; when nobody has one, it ends.
};

struct Decision {
  Verdict verdict = Verdict::kNoOpinion;
  std::string reason;  // For whoever reads the refusal, or a review.
  std::string error;   // Why there is no opinion, when something failed.
};

// What a user may do in a namespace, as far as an authorizer can list it.
struct RuleSet {
  std::vector<Rule> rules;
  bool is_incomplete = false;
  std::vector<std::string> errors;
};

class Authorizer {
 public:
  using Done = std::function<void(Decision)>;
  virtual ~Authorizer() = default;

  // The decision, or nothing when somebody outside has to be asked. Without `explain` an allowance
  // comes without its reason.
  virtual std::optional<Decision> decide(const User& user, const Attributes& wanted,
                                         bool explain) = 0;
  // Calls `done` once, before it returns or later, on any thread.
  virtual void ask(const User& user, const Attributes& wanted, Done done) {
    done(decide(user, wanted, true).value_or(Decision{}));
  }
  virtual void list_rules(const User& user, const std::string& ns, RuleSet& out) = 0;

  // Whether it is allowed, as far as can be said at once.
  bool allows(const User& user, const Attributes& wanted) {
    const auto decision = decide(user, wanted, false);
    return decision && decision->verdict == Verdict::kAllow;
  }
};

}  // namespace pinnace::apiserver
