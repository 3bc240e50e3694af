#include "apiserver/authentication/service_account_tokens.h"

#include <algorithm>

#include "api/json.h"
#include "apiserver/authentication/credential_id.h"
#include "apiserver/authentication/legacy_token_use.h"
#include "apiserver/authentication/service_account_user.h"
#include "apiserver/http/text_lists.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"
#include "io/files.h"
#include "net/digest.h"
#include "net/jwk.h"
#include "net/x509.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kSecretIssuer = "kubernetes/serviceaccount";
constexpr std::size_t kMaxKeyBytes = 1 << 20;
constexpr std::int64_t kMaxSkewSeconds = 60;
// A pod that is being deleted still ends its work.
constexpr Duration kAfterDeletion = std::chrono::seconds(60);

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::vector<std::string> audiences_of(const api::Value& claims) {
  const auto* aud = claims.find("aud");
  if (aud != nullptr && aud->is_string()) return {std::string(aud->as_string())};
  return texts_of(aud);
}

// In the order of those who ask.
std::vector<std::string> common(const std::vector<std::string>& own,
                                const std::vector<std::string>& wanted) {
  std::vector<std::string> out;
  for (const auto& each : wanted) {
    if (std::ranges::find(own, each) != own.end()) out.push_back(each);
  }
  return out;
}

// Whether the account lists the Secret as its own: those that Kubernetes once made by itself.
bool names_secret(const store::Object& account, std::string_view secret) {
  if (!mentions(account, secret)) return false;
  api::Arena arena;
  const auto parsed = parse_stored(arena, account);
  const auto* secrets = parsed ? parsed->find("secrets") : nullptr;
  return secrets != nullptr && std::ranges::any_of(secrets->items(), [&](const auto& each) {
           return each.string_at("name") == secret;
         });
}

std::string quoted_list(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : " ") + quoted(text);
  return '[' + out + ']';
}

Unexpected other_audiences(const std::vector<std::string>& own,
                           const std::vector<std::string>& wanted) {
  return errors::unauthorized("token audiences " + quoted_list(own) +
                              " is invalid for the target audiences " + quoted_list(wanted));
}

metrics::Series& counted(metrics::Registry& registry, const char* name, const char* help) {
  return registry.counter(std::string("serviceaccount_") + name, help).with();
}

}  // namespace

ServiceAccountTokens::Uses::Uses(metrics::Registry& registry)
    : legacy(counted(registry, "legacy_tokens_total", "Uses of tokens that stand in Secrets.")),
      made(counted(registry, "legacy_auto_token_uses_total",
                   "Uses of those that were made for every account.")),
      asked_for(counted(registry, "legacy_manual_token_uses_total",
                        "Uses of those that somebody asked for.")),
      invalid(counted(registry, "invalid_legacy_auto_token_uses_total",
                      "Uses of those that no longer count.")),
      stale(counted(registry, "stale_tokens_total", "Uses of tokens after their renewal was due.")),
      valid(counted(registry, "valid_tokens_total", "Uses of tokens before that.")) {}

std::vector<std::string> own_audiences(const Configuration& configuration) {
  if (!configuration.api_audiences.empty()) return configuration.api_audiences;
  return {configuration.service_account_issuers.front()};
}

ServiceAccountTokens::ServiceAccountTokens(const Options& options)
    : store_(options.store),
      clock_(options.clock),
      rng_(options.rng),
      issuers_(options.configuration.service_account_issuers),
      api_audiences_(own_audiences(options.configuration)),
      uses_(options.metrics) {}

Result<std::unique_ptr<ServiceAccountTokens>> ServiceAccountTokens::create(const Options& options) {
  std::unique_ptr<ServiceAccountTokens> made(new ServiceAccountTokens(options));
  std::vector<std::string> public_keys;
  if (!options.service_account_key_pem.empty()) {
    auto signer = net::JwtSigner::create(options.service_account_key_pem);
    if (!signer) return std::unexpected(std::move(signer.error()));
    made->signer_ = std::move(*signer);
    auto public_key = net::public_key_of(options.service_account_key_pem);
    if (!public_key) return std::unexpected(std::move(public_key.error()));
    public_keys.push_back(std::move(*public_key));
  }
  for (const auto& path : options.configuration.service_account_key_files) {
    auto pem = io::read_file(path, kMaxKeyBytes);
    if (!pem) return std::unexpected(std::move(pem.error()));
    auto of_private = net::public_key_of(*pem);
    public_keys.push_back(of_private ? std::move(*of_private) : std::move(*pem));
  }
  if (public_keys.empty()) return made;
  auto verifier = net::JwtVerifier::create(public_keys);
  if (!verifier) return std::unexpected(std::move(verifier.error()));
  made->verifier_ = std::move(*verifier);
  return made;
}

Result<ServiceAccountTokens::ClaimsRef> ServiceAccountTokens::signed_claims(
    std::string_view token) {
  std::string hash = net::sha256(token);
  {
    const std::lock_guard lock(mutex_);
    const auto found = remembered_.find(hash);
    if (found != remembered_.end()) return found->second;
  }
  const auto text = verifier_->verify(token);
  if (!text) return errors::unauthorized();
  const auto claims = std::make_shared<Claims>();
  auto value = api::parse_json(claims->arena, *text);
  if (!value) return errors::unauthorized();
  claims->value = *value;
  const std::lock_guard lock(mutex_);
  if (remembered_.size() >= kMaxRemembered) remembered_.clear();
  remembered_.emplace(std::move(hash), claims);
  return claims;
}

std::optional<Result<VerifiedToken>> ServiceAccountTokens::check(std::string_view token,
                                                                 const Audiences& audiences) {
  if (!verifier_) return errors::unauthorized();
  const auto known = signed_claims(token);
  if (!known) return why_unsigned(token);
  const api::Value& claims = (*known)->value;
  const std::string_view issuer = claims.string_at("iss");
  if (issuer == kSecretIssuer) return check_secret(token, claims, audiences);
  if (!is_known(issuer)) return errors::unauthorized();
  return check_bound(claims, audiences);
}

bool ServiceAccountTokens::is_known(std::string_view issuer) const {
  return std::ranges::find(issuers_, issuer) != issuers_.end();
}

Unexpected ServiceAccountTokens::why_unsigned(std::string_view token) const {
  const auto jws = net::split_jws(token);
  if (!jws) return errors::unauthorized();
  api::Arena arena;
  const auto header = api::parse_json(arena, jws->header_json);
  const auto claims = api::parse_json(arena, jws->claims_json);
  const std::string_view issuer = claims ? claims->string_at("iss") : "";
  if (!header || (!is_known(issuer) && issuer != kSecretIssuer)) return errors::unauthorized();
  const std::string_view key_id = header->string_at("kid");
  return errors::unauthorized(key_id.empty() || verifier_->has_key(key_id)
                                  ? "go-jose/go-jose: error in cryptographic primitive"
                                  : "invalid signature, no keys found");
}

ServiceAccountTokens::Presence ServiceAccountTokens::look(const char* resource, std::string_view ns,
                                                          std::string_view name) const {
  const auto found = store_.get({resource, std::string(ns), std::string(name)});
  if (!found) return {};
  Presence presence{true, false, (*found)->uid};
  if (!mentions(**found, "\"deletionTimestamp\":")) return presence;
  api::Arena arena;
  const auto object = parse_stored(arena, **found);
  const auto* when = object ? object->find_path({"metadata", "deletionTimestamp"}) : nullptr;
  WallTime deleted;
  presence.is_long_gone = when != nullptr && when->is_string() &&
                          parse_rfc3339(when->as_string(), deleted) &&
                          clock_.wall() >= deleted + kAfterDeletion;
  return presence;
}

Result<void> ServiceAccountTokens::check_account(std::string_view ns, std::string_view name,
                                                 std::string_view uid,
                                                 const std::string& called) const {
  const Presence account = look("serviceaccounts", ns, name);
  if (!account.is_there) return errors::not_found("serviceaccounts", name);
  if (account.uid != uid) {
    return errors::unauthorized(called + " UID (" + account.uid + ") does not match claim (" +
                                std::string(uid) + ")");
  }
  if (!account.is_long_gone) return {};
  return errors::unauthorized(called + ' ' + std::string(ns) + '/' + std::string(name) +
                              " has been deleted");
}

Result<void> ServiceAccountTokens::check_referent(const std::string& kind, const char* resource,
                                                  std::string_view ns,
                                                  const api::Value& claim) const {
  const Presence found = look(resource, ns, claim.string_at("name"));
  const std::string uid(claim.string_at("uid"));
  if (found.is_there && found.uid != uid) {
    return errors::unauthorized(kind + " UID (" + found.uid + ") does not match service account " +
                                kind + " ref claim (" + uid + ")");
  }
  if (found.is_there && !found.is_long_gone) return {};
  return errors::unauthorized("service account token has been invalidated");
}

Result<VerifiedToken> ServiceAccountTokens::check_bound(const api::Value& claims,
                                                        const Audiences& audiences) const {
  const std::int64_t now = unix_seconds(clock_.wall());
  const auto own = audiences_of(claims);
  VerifiedToken verified;
  verified.audiences = common(own, audiences);
  if (verified.audiences.empty()) return other_audiences(own, audiences);
  const auto refuse = [](const char* why) {
    return errors::unauthorized(std::string("service account token ") + why);
  };
  if (claims.int_at("nbf") > now + kMaxSkewSeconds) return refuse("is not valid yet");
  if (claims.int_at("exp") < now - kMaxSkewSeconds) return refuse("has expired");
  if (claims.int_at("iat") > now + kMaxSkewSeconds) return refuse("is issued in the future");
  const auto* bound = claims.find("kubernetes.io");
  const auto* account = bound == nullptr ? nullptr : bound->find("serviceaccount");
  if (account == nullptr) return errors::not_found("serviceaccounts", "");
  const std::string_view ns = bound->string_at("namespace");
  const std::string_view name = account->string_at("name");
  const std::string_view uid = account->string_at("uid");
  if (auto ok = check_account(ns, name, uid, "service account"); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  verified.user = service_account_user(ns, name, uid);
  if (const std::string_view id = claims.string_at("jti"); !id.empty()) {
    verified.user.extra[kCredentialId] = {token_credential_id(id)};
  }
  if (auto ok = check_objects(*bound, ns, verified.user); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  const std::int64_t renewal = bound->int_at("warnafter");
  const bool is_stale = renewal != 0 && now > renewal;
  if (renewal != 0) (is_stale ? uses_.stale : uses_.valid).add(1);
  if (is_stale) {
    verified.user.notes.emplace_back(
        "authentication.k8s.io/stale-token",
        "subject: " + std::string(claims.string_at("sub")) +
            ", seconds after warning threshold: " + std::to_string(now - renewal));
  }
  return verified;
}

Result<void> ServiceAccountTokens::check_objects(const api::Value& bound, std::string_view ns,
                                                 User& user) const {
  const auto* pod = bound.find("pod");
  const auto* secret = bound.find("secret");
  const auto* node = bound.find("node");
  if (secret != nullptr) {
    if (auto ok = check_referent("secret", "secrets", ns, *secret); !ok) return ok;
  }
  const auto note = [&](const char* key, std::string_view text) {
    if (!text.empty()) user.extra[key] = {std::string(text)};
  };
  if (pod != nullptr) {
    if (auto ok = check_referent("pod", "pods", ns, *pod); !ok) return ok;
    note("authentication.kubernetes.io/pod-name", pod->string_at("name"));
    note("authentication.kubernetes.io/pod-uid", pod->string_at("uid"));
  } else if (node != nullptr) {
    if (auto ok = check_referent("node", "nodes", "", *node); !ok) return ok;
  }
  if (node != nullptr) {
    note("authentication.kubernetes.io/node-name", node->string_at("name"));
    note("authentication.kubernetes.io/node-uid", node->string_at("uid"));
  }
  return {};
}

// An old token has no end and no audience; it lives as long as the Secret that holds it.
Result<VerifiedToken> ServiceAccountTokens::check_secret(std::string_view token,
                                                         const api::Value& claims,
                                                         const Audiences& audiences) const {
  const auto at = [&](const char* key) {
    return claims.string_at(std::string("kubernetes.io/serviceaccount/") + key);
  };
  const std::string_view ns = at("namespace"), name = at("service-account.name");
  const std::string_view uid = at("service-account.uid"), secret_name = at("secret.name");
  VerifiedToken verified{service_account_user(ns, name, uid), common(api_audiences_, audiences)};
  if (verified.audiences.empty()) return other_audiences(api_audiences_, audiences);
  if (claims.string_at("sub") != verified.user.name) {
    return errors::unauthorized("sub claim is invalid");
  }
  const auto kept = store_.get({"secrets", std::string(ns), std::string(secret_name)});
  api::Arena arena;
  auto secret = kept ? parse_stored(arena, **kept) : errors::unauthorized();
  if (!secret || is_being_deleted(*secret)) {
    return errors::unauthorized("Token has been invalidated");
  }
  const auto* data = secret->find("data");
  const auto held = base64_decode(data == nullptr ? "" : data->string_at("token"));
  if (!held || !net::equal_in_constant_time(*held, token)) {
    return errors::unauthorized("Token does not match server's copy");
  }
  if (auto ok = check_account(ns, name, uid, "ServiceAccount"); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  uses_.legacy.add(1);
  note_use(store_, **kept, arena, *secret, clock_.wall());
  if (is_marked_invalid(*secret)) {
    uses_.invalid.add(1);
    const std::string in(ns);
    return errors::unauthorized(
        "the token in secret " + in + '/' + std::string(secret_name) + " for service account " +
        in + '/' + std::string(name) +
        " has been marked invalid. Use tokens from the TokenRequest API or manually created "
        "secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from "
        "the secret to temporarily allow use of this token");
  }
  const auto account = store_.get({"serviceaccounts", std::string(ns), std::string(name)});
  const bool is_made_for_account = account && names_secret(**account, secret_name);
  (is_made_for_account ? uses_.made : uses_.asked_for).add(1);
  if (is_made_for_account) {
    verified.user.warning =
        "Use tokens from the TokenRequest API or manually created secret-based tokens instead of "
        "auto-generated secret-based tokens.";
  }
  verified.user.notes.emplace_back(is_made_for_account
                                       ? "authentication.k8s.io/legacy-token-autogenerated-secret"
                                       : "authentication.k8s.io/legacy-token-manual-secret",
                                   secret_name);
  return verified;
}

Result<IssuedToken> ServiceAccountTokens::issue(const TokenSpec& spec) const {
  if (!signer_) return errors::internal("the server has no key to sign tokens with");
  api::Arena arena;
  const auto text = [&](std::string_view value) { return api::Value::string(arena, value); };
  const WallTime now = clock_.wall();
  IssuedToken issued{"", make_uuid(rng_), now + std::chrono::seconds(spec.expiration_seconds)};
  api::Value claims = api::Value::object();
  claims.set(arena, "aud", text_list(arena, spec.audiences));
  claims.set(arena, "exp", api::Value::integer(unix_seconds(issued.expires)));
  claims.set(arena, "iat", api::Value::integer(unix_seconds(now)));
  claims.set(arena, "iss", text(issuer()));
  claims.set(arena, "jti", text(issued.id));
  api::Value bound = api::Value::object();
  const auto refer = [&](std::string_view member, std::string_view name, std::string_view uid) {
    auto& object = bound.ensure_object(arena, member);
    object.set(arena, "name", text(name));
    if (!uid.empty()) object.set(arena, "uid", text(uid));  // Of a node that is not there.
  };
  bound.set(arena, "namespace", text(spec.ns));
  if (!spec.bound.node_name.empty()) refer("node", spec.bound.node_name, spec.bound.node_uid);
  if (!spec.bound.kind.empty()) refer(to_lower(spec.bound.kind), spec.bound.name, spec.bound.uid);
  refer("serviceaccount", spec.service_account, spec.service_account_uid);
  if (spec.warn_after_seconds > 0) {
    bound.set(arena, "warnafter", api::Value::integer(unix_seconds(now) + spec.warn_after_seconds));
  }
  claims.set(arena, "kubernetes.io", bound);
  claims.set(arena, "nbf", api::Value::integer(unix_seconds(now)));
  claims.set(arena, "sub", text(kServiceAccountPrefix + spec.ns + ":" + spec.service_account));
  auto token = signer_->sign(api::to_json_text(claims));
  if (!token) return std::unexpected(std::move(token.error()));
  issued.token = std::move(*token);
  return issued;
}

const std::string& ServiceAccountTokens::jwks_json() const {
  static const std::string kNone = R"({"keys":[]})";
  return verifier_ ? verifier_->jwks_json() : kNone;
}

}  // namespace pinnace::apiserver
