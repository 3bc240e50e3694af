// Nobody gives what he does not have: who writes a role or a binding must hold the rights that it
// gives, or be allowed to `escalate` or `bind`.
//
// Errors: 403 that lists what is missing; 404 for a role that a binding refers to and that is not
//   there.
// Source: kubernetes.io/docs/reference/access-authn-authz/rbac, "Privilege escalation prevention".
#pragma once

#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// `old` is null at creation.
Result<void> check_role_escalation(Change& change, const api::Value& role, const api::Value* old);
Result<void> check_binding_escalation(Change& change, const api::Value& binding,
                                      const api::Value* old);

}  // namespace pinnace::apiserver
