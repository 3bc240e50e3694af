#include "apiserver/authorization/gate.h"

#include "apiserver/audit/auditor.h"

namespace pinnace::apiserver {
namespace {

// Goes on with a request on its own thread.
template <typename Next>
void resume(const CallRef& call, Next next) {
  call->exchange->post([call, next = std::move(next)] {
    if (auto ok = next(); !ok) answer_error(*call, ok.error());
  });
}

Result<void> decided(const BackendRef& backend, const CallRef& call, const Attributes& wanted,
                     const Decision& decision, GoOn go_on) {
  const bool is_allowed = decision.verdict == Verdict::kAllow;
  if (call->audit) {
    call->audit->annotate("authorization.k8s.io/decision", is_allowed ? "allow" : "forbid");
    call->audit->annotate("authorization.k8s.io/reason", decision.reason);
  }
  if (is_allowed) return go_on(backend, call);
  return std::unexpected(forbidden_error(call->user, wanted, decision));
}

Result<void> authorize(const BackendRef& backend, const CallRef& call, GoOn go_on) {
  const Attributes wanted = attributes_of(*call);
  AuthorizerChain& chain = *backend->authorization;
  if (const auto decision = chain.decide(call->user, wanted, false)) {
    return decided(backend, call, wanted, *decision, go_on);
  }
  chain.ask(call->user, wanted, [backend, call, wanted, go_on](Decision decision) {
    resume(call, [backend, call, wanted, go_on, decision = std::move(decision)] {
      return decided(backend, call, wanted, decision, go_on);
    });
  });
  return {};
}

}  // namespace

Result<void> pass_gate(const BackendRef& backend, const CallRef& call, bool is_public, GoOn go_on) {
  auto user = backend->authenticator->authenticate(call->request);
  if (!user || !*user) {
    if (!is_public) {
      audit::Auditor::begin(backend->auditor, *call);
      return errors::unauthorized();
    }
    call->user = {kAnonymous, "", {kUnauthenticated}, {}};
  } else {
    call->user = std::move(**user);
  }
  audit::Auditor::begin(backend->auditor, *call);
  return is_public ? go_on(backend, call) : authorize(backend, call, go_on);
}

}  // namespace pinnace::apiserver
