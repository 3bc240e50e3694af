#include "apiserver/authorization/chain.h"

#include "apiserver/authorization/abac.h"
#include "apiserver/authorization/webhook_authorizer.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// Says the same to everybody.
class Constant final : public Authorizer {
 public:
  Constant(Verdict verdict, std::string reason) : verdict_(verdict), reason_(std::move(reason)) {}
  std::optional<Decision> decide(const User&, const Attributes&, bool) override {
    return Decision{verdict_, reason_, ""};
  }
  void list_rules(const User&, const std::string&, RuleSet& out) override {
    if (verdict_ != Verdict::kAllow) return;
    out.rules.push_back({{"*"}, {"*"}, {"*"}, {}, {}});
    out.rules.push_back({{"*"}, {}, {}, {}, {"*"}});
  }

 private:
  const Verdict verdict_;
  const std::string reason_;
};

// What the opinions so far add up to.
void gather(Decision& sum, Decision next, bool is_first) {
  if (!next.reason.empty()) {
    if (!is_first && !sum.reason.empty()) sum.reason += '\n';
    sum.reason += next.reason;
  }
  if (!next.error.empty()) (sum.error += sum.error.empty() ? "" : ", ") += next.error;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::string forbidden_why(const User& user, const Attributes& wanted) {
  std::string text = "User " + quoted(user.name) + " cannot " + wanted.verb;
  if (!wanted.is_resource) return text + " path " + quoted(wanted.path);
  text += " resource " +
          quoted(wanted.resource + (wanted.subresource.empty() ? "" : "/" + wanted.subresource)) +
          " in API group " + quoted(wanted.group);
  if (wanted.ns.empty()) return text + " at the cluster scope";
  return text + " in the namespace " + quoted(wanted.ns);
}

}  // namespace

// A question that has to go to somebody outside; it keeps what it asks about.
struct AuthorizerChain::Question {
  User user;
  Attributes wanted;
  Done done;
  Decision sum;
};

Result<void> AuthorizerChain::add(const AuthorizerSpec& spec, Backend& backend) {
  if (spec.type == "RBAC") {
    chain_.push_back(&backend.rbac);
  } else if (spec.type == "Node") {
    chain_.push_back(&backend.nodes);
  } else if (spec.type == "AlwaysAllow") {
    own(std::make_unique<Constant>(Verdict::kAllow, ""));
  } else if (spec.type == "AlwaysDeny") {
    own(std::make_unique<Constant>(Verdict::kNoOpinion, "Everything is forbidden."));
  } else if (spec.type == "ABAC") {
    auto abac = Abac::load(backend.options.configuration.authorization.policy_file);
    if (!abac) return std::unexpected(std::move(abac.error()));
    own(std::move(*abac));
  } else {
    auto webhook = WebhookAuthorizer::create(spec.webhook, backend.options);
    if (!webhook) return std::unexpected(std::move(webhook.error()));
    own(std::move(*webhook));
  }
  return {};
}

Result<std::unique_ptr<AuthorizerChain>> AuthorizerChain::create(Backend& backend) {
  std::unique_ptr<AuthorizerChain> made(new AuthorizerChain);
  auto specs = authorizers_of(backend.options.configuration);
  if (!specs) return std::unexpected(std::move(specs.error()));
  for (const AuthorizerSpec& spec : *specs) {
    if (auto added = made->add(spec, backend); !added) {
      return std::unexpected(std::move(added.error()));
    }
  }
  return made;
}

std::optional<Decision> AuthorizerChain::decide(const User& user, const Attributes& wanted,
                                                bool explain) {
  if (user.in_group(kMasters)) return Decision{Verdict::kAllow, "", ""};
  Decision sum;
  for (Authorizer* authorizer : chain_) {
    auto decision = authorizer->decide(user, wanted, explain);
    if (!decision || decision->verdict != Verdict::kNoOpinion) return decision;
    gather(sum, std::move(*decision), authorizer == chain_.front());
  }
  return sum;
}

void AuthorizerChain::ask(const User& user, const Attributes& wanted, Done done) {
  if (user.in_group(kMasters)) return done({Verdict::kAllow, "", ""});
  ask_from(0, std::make_shared<Question>(Question{user, wanted, std::move(done), {}}));
}

void AuthorizerChain::ask_from(std::size_t at, const std::shared_ptr<Question>& question) {
  if (at == chain_.size()) return question->done(std::move(question->sum));
  chain_[at]->ask(question->user, question->wanted, [this, at, question](Decision decision) {
    if (decision.verdict != Verdict::kNoOpinion) return question->done(std::move(decision));
    gather(question->sum, std::move(decision), at == 0);
    ask_from(at + 1, question);
  });
}

void AuthorizerChain::list_rules(const User& user, const std::string& ns, RuleSet& out) {
  for (Authorizer* authorizer : chain_) authorizer->list_rules(user, ns, out);
}

std::string internal_error_text(std::string_view target, std::string_view why) {
  return escaped("Internal Server Error: " + quoted(target) + ": " + std::string(why)) + "\n";
}

Error forbidden_error(const User& user, const Attributes& wanted, const Decision& decision) {
  if (!decision.error.empty()) return errors::internal(decision.error).error();
  std::string why = escaped(forbidden_why(user, wanted));
  if (!decision.reason.empty()) why += ": " + decision.reason;
  std::string resource = wanted.resource;
  if (!wanted.group.empty()) resource += "." + wanted.group;
  Error error = errors::forbidden(resource, wanted.name, why).error();
  if (!wanted.is_resource) error.message = "forbidden: " + why;
  return error;
}

}  // namespace pinnace::apiserver
