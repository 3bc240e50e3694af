#include "apiserver/authentication/authenticator.h"

#include <algorithm>

#include "apiserver/authentication/bootstrap_tokens.h"
#include "apiserver/authentication/credential_id.h"
#include "apiserver/authentication/oidc.h"
#include "apiserver/authentication/token_webhook.h"
#include "base/strings.h"
#include "io/files.h"
#include "net/digest.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

// Everybody who is somebody is of this group too.
User authenticated(User user) {
  const bool is_nobody = user.name == kAnonymous || user.in_group(kUnauthenticated);
  if (!is_nobody && !user.in_group(kAuthenticated)) user.groups.emplace_back(kAuthenticated);
  return user;
}

User user_of_certificate(const net::Peer& peer) {
  User user{peer.certificate_common_name, "", peer.certificate_organizations, {}};
  if (const auto& details = peer.certificate_details) {
    user.uid = details->uid;
    user.extra[kCredentialId] = {"X509SHA256=" + details->sha256};
  }
  return user;
}

// What follows the scheme in an Authorization header of this scheme.
std::string_view after_scheme(std::string_view header, std::string_view scheme) {
  const bool is_of_scheme = header.size() > scheme.size() + 1 && header[scheme.size()] == ' ' &&
                            equal_ignoring_case(header.substr(0, scheme.size()), scheme);
  return is_of_scheme ? trim(header.substr(scheme.size() + 1)) : std::string_view();
}

// A browser's WebSocket cannot set Authorization: its token is one of the protocols that it offers.
std::string protocol_token(const net::Headers& headers) {
  constexpr std::string_view kPrefix = "base64url.bearer.authorization.k8s.io.";
  for (const std::string_view line : headers.get_all("sec-websocket-protocol")) {
    for (const std::string_view each : split(line, ',')) {
      const std::string_view protocol = trim(each);
      if (!protocol.starts_with(kPrefix)) continue;
      return base64url_decode(protocol.substr(kPrefix.size())).value_or("");
    }
  }
  return {};
}

std::string token_of(const net::Request& request) {
  const std::string_view header = request.headers.get("authorization");
  if (!header.empty()) return std::string(after_scheme(header, "bearer"));
  return request.headers.has("sec-websocket-protocol") ? protocol_token(request.headers)
                                                       : std::string();
}

Authenticator::Found found(Result<VerifiedToken> verified) {
  if (!verified) return errors::unauthorized();
  return authenticated(std::move(verified->user));
}

}  // namespace

struct Authenticator::Question {
  std::string token;
  std::vector<std::string> audiences;
  std::vector<std::string> problems;  // What those who were asked say of it.
  TokenAuthenticator::Done done;
};

Authenticator::Authenticator(const Options& options)
    : audiences_(own_audiences(options.configuration)),
      anonymous_(options.configuration.authentication.anonymous) {}

Result<void> Authenticator::add_methods(const Options& options) {
  const AuthenticationSettings& settings = options.configuration.authentication;
  std::vector<Credential> tokens;
  for (const auto& [token, user] : options.configuration.tokens) {
    tokens.push_back({token, {user.name, user.uid, user.groups, {}}});
  }
  if (!settings.token_file.empty()) {
    auto read = read_credentials(settings.token_file);
    if (!read) return std::unexpected(std::move(read.error()));
    std::ranges::move(*read, std::back_inserter(tokens));
  }
  if (!tokens.empty()) methods_.push_back(std::make_unique<StaticTokens>(tokens));
  auto accounts = ServiceAccountTokens::create(options);
  if (!accounts) return std::unexpected(std::move(accounts.error()));
  service_accounts_ = accounts->get();
  methods_.push_back(std::move(*accounts));
  if (settings.bootstrap_tokens) {
    methods_.push_back(std::make_unique<BootstrapTokens>(options.store, options.clock));
  }
  auto config = authentication_config_of(settings);
  if (!config) return std::unexpected(std::move(config.error()));
  for (const IssuerSpec& issuer : config->issuers) {
    if (std::ranges::count(options.configuration.service_account_issuers, issuer.url) > 0) {
      return errors::bad_request("the issuer " + issuer.url +
                                 " is the one of service accounts already");
    }
    auto oidc = Oidc::create(issuer, options);
    if (!oidc) return std::unexpected(std::move(oidc.error()));
    methods_.push_back(std::move(*oidc));
  }
  if (config->anonymous) anonymous_ = *config->anonymous;
  anonymous_paths_ = std::move(config->anonymous_paths);
  if (settings.webhook_config_file.empty()) return {};
  auto webhook = TokenWebhook::create(options);
  if (!webhook) return std::unexpected(std::move(webhook.error()));
  methods_.push_back(std::move(*webhook));
  return {};
}

Result<std::unique_ptr<Authenticator>> Authenticator::create(const Options& options) {
  const AuthenticationSettings& settings = options.configuration.authentication;
  std::unique_ptr<Authenticator> made(new Authenticator(options));
  if (auto added = made->add_methods(options); !added) {
    return std::unexpected(std::move(added.error()));
  }
  if (!settings.request_header.client_ca_file.empty()) {
    auto pem = io::read_file(settings.request_header.client_ca_file, kMaxFileBytes);
    if (!pem) return std::unexpected(std::move(pem.error()));
    made->request_header_ =
        std::make_unique<RequestHeader>(settings.request_header, std::move(*pem), options.clock);
  }
  if (!settings.basic_file.empty()) {
    auto read = read_credentials(settings.basic_file);
    if (!read) return std::unexpected(std::move(read.error()));
    made->passwords_ = std::move(*read);
  }
  return made;
}

std::optional<Authenticator::Found> Authenticator::without_token(const net::Request& request) {
  if (request_header_) {
    auto user = request_header_->authenticate(request);
    if (user && *user) return authenticated(std::move(**user));
  }
  if (!request.peer.certificate_common_name.empty()) {
    return authenticated(user_of_certificate(request.peer));
  }
  return {};
}

Authenticator::Found Authenticator::with_password(std::string_view header) const {
  const auto pair = base64_decode(after_scheme(header, "basic"));
  const auto colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return errors::unauthorized();
  for (const auto& [password, user] : passwords_) {
    if (user.name == pair->substr(0, colon) &&
        net::equal_in_constant_time(password, pair->substr(colon + 1))) {
      return authenticated(user);
    }
  }
  return errors::unauthorized();
}

std::optional<Authenticator::Found> Authenticator::authenticate(const net::Request& request) {
  if (auto known = without_token(request)) return known;
  if (const std::string token = token_of(request); !token.empty()) {
    for (const auto& method : methods_) {
      auto verified = method->check(token, audiences_);
      if (!verified) return {};
      if (*verified) return found(std::move(*verified));
    }
    return errors::unauthorized();
  }
  // What nobody here understands are no credentials.
  const std::string_view header = request.headers.get("authorization");
  const bool has_password = !passwords_.empty() && !after_scheme(header, "basic").empty();
  if (has_password) return with_password(header);
  if (!request.peer.certificate_error.empty()) return errors::unauthorized();
  return std::optional<User>();
}

void Authenticator::ask(const net::Request& request, std::function<void(Found)> done) {
  review(token_of(request), audiences_, [done = std::move(done)](Result<VerifiedToken> verified) {
    done(found(std::move(verified)));
  });
}

void Authenticator::review(const std::string& token, const std::vector<std::string>& audiences,
                           TokenAuthenticator::Done done) {
  auto with_groups = [done = std::move(done)](Result<VerifiedToken> one) {
    if (one) one->user = authenticated(std::move(one->user));
    done(std::move(one));
  };
  ask_from(0, std::make_shared<Question>(Question{token, audiences, {}, std::move(with_groups)}));
}

void Authenticator::ask_from(std::size_t at, const std::shared_ptr<Question>& question) {
  if (at == methods_.size()) {
    question->problems.insert(question->problems.begin(), "invalid bearer token");
    return question->done(errors::unauthorized(aggregate_text(question->problems)));
  }
  TokenAuthenticator::Audiences audiences;
  for (const auto& audience : question->audiences) {
    const bool is_ours = std::ranges::find(audiences_, audience) != audiences_.end();
    if (is_ours || methods_[at]->knows_audiences()) audiences.push_back(audience);
  }
  if (audiences.empty() && !question->audiences.empty()) return ask_from(at + 1, question);
  methods_[at]->ask(question->token, audiences,
                    [this, at, question](Result<VerifiedToken> verified) {
                      if (verified) return question->done(std::move(verified));
                      const std::string& problem = verified.error().message;
                      if (problem != kNotMine) question->problems.push_back(problem);
                      ask_from(at + 1, question);
                    });
}

bool Authenticator::admits_anonymous(std::string_view path, bool is_public) const {
  if (anonymous_ == Anonymous::kNone) return false;
  if (anonymous_ == Anonymous::kPublicPaths) return is_public;
  return anonymous_paths_.empty() ||
         std::ranges::find(anonymous_paths_, path) != anonymous_paths_.end();
}

}  // namespace pinnace::apiserver
