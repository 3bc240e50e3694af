#include "apiserver/authentication/authn.h"

#include <algorithm>

#include "api/json.h"
#include "base/strings.h"
#include "net/digest.h"
#include "net/x509.h"

namespace pinnace::apiserver {
namespace {

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

void add_group(User& user, const char* group) {
  if (!user.in_group(group)) user.groups.emplace_back(group);
}

// The bound object must still be the one that the token was made for.
bool is_there(const store::Store& store, const char* resource, std::string_view ns,
              std::string_view name, std::string_view uid) {
  const auto found = store.get({resource, std::string(ns), std::string(name)});
  return found && (uid.empty() || (*found)->uid == uid);
}

std::vector<std::string> audiences_of(const api::Value& claims) {
  std::vector<std::string> out;
  const auto* aud = claims.find("aud");
  if (aud == nullptr) return out;
  if (aud->is_string()) out.emplace_back(aud->as_string());
  if (!aud->is_array()) return out;
  for (const auto& item : aud->items()) {
    if (item.is_string()) out.emplace_back(item.as_string());
  }
  return out;
}

}  // namespace

Authenticator::Authenticator(const Options& options)
    : store_(options.store),
      clock_(options.clock),
      rng_(options.rng),
      issuer_(options.configuration.service_account_issuer),
      audiences_(options.configuration.api_audiences) {
  for (const auto& [token, user] : options.configuration.tokens) {
    User known{user.name, user.uid, user.groups, {}};
    add_group(known, kAuthenticated);
    static_tokens_.emplace(net::sha256(token), std::move(known));
  }
}

Result<std::unique_ptr<Authenticator>> Authenticator::create(const Options& options) {
  std::unique_ptr<Authenticator> made(new Authenticator(options));
  if (options.service_account_key_pem.empty()) return made;
  auto signer = net::JwtSigner::create(options.service_account_key_pem);
  if (!signer) return std::unexpected(std::move(signer.error()));
  auto public_key = net::public_key_of(options.service_account_key_pem);
  if (!public_key) return std::unexpected(std::move(public_key.error()));
  auto verifier = net::JwtVerifier::create({*public_key});
  if (!verifier) return std::unexpected(std::move(verifier.error()));
  made->signer_ = std::move(*signer);
  made->verifier_ = std::move(*verifier);
  return made;
}

Result<std::optional<User>> Authenticator::authenticate(const net::Request& request) const {
  if (!request.peer.certificate_common_name.empty()) {
    User user{request.peer.certificate_common_name, "", request.peer.certificate_organizations, {}};
    add_group(user, kAuthenticated);
    return user;
  }
  const std::string_view header = request.headers.get("authorization");
  if (header.empty()) {
    if (!request.peer.certificate_error.empty()) return errors::unauthorized();
    return std::optional<User>();
  }
  constexpr std::string_view kBearer = "bearer ";
  if (header.size() <= kBearer.size() ||
      !equal_ignoring_case(header.substr(0, kBearer.size()), kBearer)) {
    return errors::unauthorized();
  }
  auto verified = verify_token(trim(header.substr(kBearer.size())), audiences_);
  if (!verified) return std::unexpected(std::move(verified.error()));
  return std::move(verified->user);
}

Result<VerifiedToken> Authenticator::verify_token(std::string_view token,
                                                  const std::vector<std::string>& audiences) const {
  if (!static_tokens_.empty()) {
    const auto found = static_tokens_.find(net::sha256(token));
    if (found != static_tokens_.end()) return VerifiedToken{found->second, audiences};
  }
  if (!verifier_) return errors::unauthorized();
  return verify_jwt(token, audiences);
}

Result<Authenticator::Claims> Authenticator::signed_claims(std::string_view token) const {
  std::string hash = net::sha256(token);
  {
    const std::lock_guard lock(mutex_);
    const auto found = remembered_.find(hash);
    if (found != remembered_.end()) return found->second;
  }
  auto text = verifier_->verify(token);
  if (!text) return errors::unauthorized();
  auto claims = std::make_shared<const std::string>(std::move(*text));
  const std::lock_guard lock(mutex_);
  if (remembered_.size() >= kMaxRemembered) remembered_.clear();
  remembered_.emplace(std::move(hash), claims);
  return claims;
}

Result<VerifiedToken> Authenticator::verify_jwt(std::string_view token,
                                                const std::vector<std::string>& audiences) const {
  const auto text = signed_claims(token);
  if (!text) return errors::unauthorized();
  api::Arena arena;
  const auto claims = api::parse_json(arena, **text);
  if (!claims || claims->string_at("iss") != issuer_) return errors::unauthorized();
  const std::int64_t now = unix_seconds(clock_.wall());
  if (claims->int_at("exp") <= now || claims->int_at("nbf") > now + 60) {
    return errors::unauthorized();
  }
  VerifiedToken verified;
  for (const auto& own : audiences_of(*claims)) {
    if (std::find(audiences.begin(), audiences.end(), own) != audiences.end()) {
      verified.audiences.push_back(own);
    }
  }
  const auto* bound = claims->find("kubernetes.io");
  if (verified.audiences.empty() || bound == nullptr) return errors::unauthorized();
  const std::string_view ns = bound->string_at("namespace");
  const auto* account = bound->find("serviceaccount");
  if (account == nullptr) return errors::unauthorized();
  const std::string_view name = account->string_at("name");
  const std::string_view uid = account->string_at("uid");
  if (!is_there(store_, "serviceaccounts", ns, name, uid)) return errors::unauthorized();

  User& user = verified.user;
  user.name = std::string(kServiceAccountPrefix) + std::string(ns) + ":" + std::string(name);
  user.uid = uid;
  user.groups = {"system:serviceaccounts", "system:serviceaccounts:" + std::string(ns),
                 kAuthenticated};
  user.extra["authentication.kubernetes.io/credential-id"] = {
      "JTI=" + std::string(claims->string_at("jti"))};
  if (const auto* pod = bound->find("pod")) {
    if (!is_there(store_, "pods", ns, pod->string_at("name"), pod->string_at("uid"))) {
      return errors::unauthorized();
    }
    user.extra["authentication.kubernetes.io/pod-name"] = {std::string(pod->string_at("name"))};
    user.extra["authentication.kubernetes.io/pod-uid"] = {std::string(pod->string_at("uid"))};
  }
  if (const auto* secret = bound->find("secret")) {
    if (!is_there(store_, "secrets", ns, secret->string_at("name"), secret->string_at("uid"))) {
      return errors::unauthorized();
    }
  }
  if (const auto* node = bound->find("node")) {
    user.extra["authentication.kubernetes.io/node-name"] = {std::string(node->string_at("name"))};
    user.extra["authentication.kubernetes.io/node-uid"] = {std::string(node->string_at("uid"))};
  }
  return verified;
}

Result<IssuedToken> Authenticator::issue(const TokenSpec& spec) const {
  if (!signer_) return errors::internal("the server has no key to sign tokens with");
  api::Arena arena;
  const auto text = [&](std::string_view value) { return api::Value::string(arena, value); };
  const WallTime now = clock_.wall();
  const WallTime expires = now + std::chrono::seconds(spec.expiration_seconds);
  api::Value claims = api::Value::object();
  api::Value aud = api::Value::array();
  for (const auto& audience : spec.audiences) aud.append(arena, text(audience));
  claims.set(arena, "aud", aud);
  claims.set(arena, "exp", api::Value::integer(unix_seconds(expires)));
  claims.set(arena, "iat", api::Value::integer(unix_seconds(now)));
  claims.set(arena, "iss", text(issuer_));
  claims.set(arena, "jti", text(make_uuid(rng_)));
  api::Value bound = api::Value::object();
  bound.set(arena, "namespace", text(spec.ns));
  if (!spec.bound.node_name.empty()) {
    auto& node = bound.ensure_object(arena, "node");
    node.set(arena, "name", text(spec.bound.node_name));
    node.set(arena, "uid", text(spec.bound.node_uid));
  }
  if (!spec.bound.kind.empty()) {
    auto& object = bound.ensure_object(arena, to_lower(spec.bound.kind));
    object.set(arena, "name", text(spec.bound.name));
    object.set(arena, "uid", text(spec.bound.uid));
  }
  auto& account = bound.ensure_object(arena, "serviceaccount");
  account.set(arena, "name", text(spec.service_account));
  account.set(arena, "uid", text(spec.service_account_uid));
  claims.set(arena, "kubernetes.io", bound);
  claims.set(arena, "nbf", api::Value::integer(unix_seconds(now)));
  claims.set(arena, "sub", text(kServiceAccountPrefix + spec.ns + ":" + spec.service_account));
  auto token = signer_->sign(api::to_json_text(claims));
  if (!token) return std::unexpected(std::move(token.error()));
  return IssuedToken{std::move(*token), expires};
}

const std::string& Authenticator::jwks_json() const {
  static const std::string kNone = R"({"keys":[]})";
  return verifier_ ? verifier_->jwks_json() : kNone;
}

}  // namespace pinnace::apiserver
