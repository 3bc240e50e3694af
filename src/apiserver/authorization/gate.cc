#include "apiserver/authorization/gate.h"

#include "apiserver/audit/auditor.h"
#include "apiserver/authentication/impersonation.h"

namespace pinnace::apiserver {
namespace {

// Goes on with a request on its own thread.
template <typename Next>
void resume(const CallRef& call, Next next) {
  call->exchange->post([call, next = std::move(next)] {
    if (auto ok = next(); !ok) answer_error(*call, ok.error());
  });
}

// Writes the decision into the audit log's record of the request.
void note_decision(const Call& call, const Decision& decision) {
  const bool is_allowed = decision.verdict == Verdict::kAllow;
  audit::annotate(call, "authorization.k8s.io/decision", is_allowed ? "allow" : "forbid");
  audit::annotate(call, "authorization.k8s.io/reason", decision.reason);
}

Result<void> refuse(const CallRef& call, const Attributes& wanted, const Decision& decision) {
  call->is_refused_at_gate = true;
  return std::unexpected(forbidden_error(call->user, wanted, decision));
}

// Asks whether the caller may do `wanted`; `next` hears the decision, now or later.
template <typename Next>
Result<void> decide(const BackendRef& backend, const CallRef& call, Attributes wanted, Next next) {
  AuthorizerChain& chain = *backend->authorization;
  if (const auto decision = chain.decide(call->user, wanted, false)) {
    return next(wanted, *decision);
  }
  chain.ask(call->user, wanted, [call, wanted, next](Decision decision) {
    resume(call, [wanted, next, decision = std::move(decision)] { return next(wanted, decision); });
  });
  return {};
}

// Goes on when it is the caller's turn.
template <typename Next>
Result<void> in_turn(const BackendRef& backend, const CallRef& call, Next next) {
  const auto outcome = backend->turns.ask(*call, [&]() -> fairness::Place::Decided {
    return [backend, call, next](fairness::Outcome decided) {
      resume(call, [backend, call, next, decided]() -> Result<void> {
        if (auto ok = backend->turns.settle(*call, decided); !ok) return ok;
        return next();
      });
    };
  });
  if (outcome) {
    if (auto ok = backend->turns.settle(*call, *outcome); !ok) return ok;
    return next();
  }
  call->exchange->on_cancel([weak = std::weak_ptr(call)] {
    if (const auto waiting = weak.lock()) waiting->turn.leave();
  });
  return {};
}

// Nobody can say whether the caller may. This is no Status.
Result<void> answer_undecided(Call& call, std::string_view why) {
  answer_text(call, 500, "text/plain; charset=utf-8",
              internal_error_text(call.request.target, why));
  return {};
}

Result<void> authorize(const BackendRef& backend, const CallRef& call, GoOn go_on) {
  const Clock& clock = backend->options.clock;
  // It has just been its turn.
  const bool had_turn = call->turn.flow() != nullptr;
  const MonotonicTime began = had_turn ? call->turn.place().began() : clock.monotonic();
  return decide(backend, call, attributes_of(*call),
                [backend, call, began, go_on](const Attributes& wanted, const Decision& decision) {
                  backend->gate.decided(decision, backend->options.clock.monotonic() - began);
                  note_decision(*call, decision);
                  if (decision.verdict == Verdict::kAllow) return go_on(backend, call);
                  if (decision.error.empty()) return refuse(call, wanted, decision);
                  return answer_undecided(*call, decision.error);
                });
}

// One demand after the other; then the caller is who he acts as.
Result<void> impersonate(const BackendRef& backend, const CallRef& call,
                         const std::shared_ptr<Impersonation>& as, std::size_t at, GoOn go_on) {
  if (at == as->demands.size()) {
    as->user.warning = std::move(call->user.warning);
    call->user = std::move(as->user);
    if (call->audit) call->audit->act_as(call->user);
    return in_turn(backend, call, [=] { return authorize(backend, call, go_on); });
  }
  return decide(backend, call, as->demands[at],
                [backend, call, as, at, go_on](const Attributes& wanted, const Decision& decision) {
                  if (decision.verdict != Verdict::kAllow) {
                    return refuse(call, wanted, {decision.verdict, decision.reason, ""});
                  }
                  return impersonate(backend, call, as, at + 1, go_on);
                });
}

// Goes on when it was written down that the request came, where the policy wants that.
template <typename Next>
Result<void> write_down(const BackendRef& backend, const CallRef& call, Next next) {
  audit::Auditor::begin(backend->auditor, *call);
  if (!call->audit || !call->audit->blocks()) return next();
  call->audit->receive([call, next = std::move(next)](Result<void> ok) {
    resume(call, [next, ok = std::move(ok)] { return ok ? next() : ok; });
  });
  return {};
}

Result<void> known(const BackendRef& backend, const CallRef& call, GoOn go_on) {
  auto as = read_impersonation(call->request.headers);
  if (!as) {
    call->is_refused_at_gate = true;
    return std::unexpected(std::move(as.error()));
  }
  if (!*as) return in_turn(backend, call, [=] { return authorize(backend, call, go_on); });
  return impersonate(backend, call, std::make_shared<Impersonation>(std::move(**as)), 0, go_on);
}

Result<void> identified(const BackendRef& backend, const CallRef& call, bool is_public,
                        Authenticator::Found user, GoOn go_on) {
  const bool is_nobody = user && !*user;
  if (is_nobody && backend->authenticator->admits_anonymous(call->info.path, is_public)) {
    user = User{kAnonymous, "", {kUnauthenticated}, {}};
  }
  backend->gate.identified(user, backend->options.clock.monotonic() - call->received_at);
  if (!user || !*user) {
    audit::Auditor::begin_refusal(backend->auditor, *call);
    return errors::unauthorized();
  }
  const net::Peer& peer = call->request.peer;
  if (peer.certificate_details && peer.certificate_common_name == (*user)->name) {
    backend->gate.shown_certificate(peer.certificate_details->not_after - backend->now());
  }
  call->user = std::move(**user);
  return write_down(backend, call, [=] { return known(backend, call, go_on); });
}

}  // namespace

Result<void> pass_gate(const BackendRef& backend, const CallRef& call, bool is_public, GoOn go_on) {
  if (auto user = backend->authenticator->authenticate(call->request)) {
    return identified(backend, call, is_public, std::move(*user), go_on);
  }
  backend->authenticator->ask(
      call->request, [backend, call, is_public, go_on](Authenticator::Found user) {
        resume(call, [backend, call, is_public, go_on, user = std::move(user)] {
          return identified(backend, call, is_public, user, go_on);
        });
      });
  return {};
}

}  // namespace pinnace::apiserver
