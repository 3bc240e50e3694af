#include "apiserver/authentication/oidc.h"

#include <algorithm>

#include "api/json.h"
#include "net/digest.h"

namespace pinnace::apiserver {
namespace {

constexpr Duration kRemember = std::chrono::seconds(10);
constexpr std::int64_t kNotBeforeSkewSeconds = 300;

}  // namespace

struct Oidc::Parts {
  Parts(IssuerSpec of, ClaimMapping with, std::unique_ptr<IssuerKeys> from, const Clock& by)
      : issuer(std::move(of)), mapping(std::move(with)), keys(std::move(from)), clock(by) {}

  Result<VerifiedToken> verify(std::string_view token, const net::Jws& jws,
                               const std::string& algorithm, const std::string& key_id,
                               const net::JwkSet& set, const std::vector<std::string>& audiences) {
    const std::string hash = net::sha256(token);
    const MonotonicTime now = clock.monotonic();
    if (auto known = verified.get(hash, now)) return VerifiedToken{std::move(*known), audiences};
    if (!set.verify(algorithm, key_id, jws.signed_text, jws.signature)) {
      return errors::unauthorized("oidc: failed to verify signature");
    }
    api::Arena arena;
    const auto claims = api::parse_json(arena, jws.claims_json);
    if (!claims) return errors::unauthorized();
    const auto unix_now =
        std::chrono::duration_cast<std::chrono::seconds>(clock.wall().time_since_epoch()).count();
    if (claims->int_at("exp") <= unix_now) return errors::unauthorized("oidc: token is expired");
    if (claims->int_at("nbf") > unix_now + kNotBeforeSkewSeconds) {
      return errors::unauthorized("oidc: token is not valid yet");
    }
    auto user = mapping.user_of(*claims);
    if (!user) return std::unexpected(std::move(user.error()));
    verified.put(hash, *user, now + kRemember);
    return VerifiedToken{std::move(*user), audiences};
  }

  const IssuerSpec issuer;
  const ClaimMapping mapping;
  const std::unique_ptr<IssuerKeys> keys;
  const Clock& clock;
  ExpiringCache<User> verified{kMaxVerified};
};

Result<std::unique_ptr<Oidc>> Oidc::create(const IssuerSpec& issuer, const Options& options) {
  if (options.webhooks == nullptr) {
    return errors::bad_request("issuers cannot be asked here");
  }
  auto mapping = ClaimMapping::create(issuer);
  if (!mapping) return std::unexpected(std::move(mapping.error()));
  auto keys = IssuerKeys::create(issuer, *options.webhooks, options.clock);
  if (!keys) return std::unexpected(std::move(keys.error()));
  return std::unique_ptr<Oidc>(new Oidc(
      std::make_shared<Parts>(issuer, std::move(*mapping), std::move(*keys), options.clock)));
}

std::optional<Result<VerifiedToken>> Oidc::check(std::string_view token,
                                                 const Audiences& audiences) {
  const auto jws = net::split_jws(token);
  if (!jws) return errors::unauthorized();
  api::Arena arena;
  const auto header = api::parse_json(arena, jws->header_json);
  const auto claims = api::parse_json(arena, jws->claims_json);
  if (!header || !claims || claims->string_at("iss") != parts_->issuer.url) {
    return errors::unauthorized();
  }
  const std::string algorithm(header->string_at("alg")), key_id(header->string_at("kid"));
  const auto& algorithms = parts_->issuer.algorithms;
  if (std::ranges::find(algorithms, algorithm) == algorithms.end()) {
    return errors::unauthorized("oidc: id token signed with unsupported algorithm");
  }
  const auto keys = parts_->keys->current();
  const bool lacks_key = !keys || (!key_id.empty() && !keys->has_key(key_id));
  if (lacks_key && parts_->keys->may_fetch()) return {};
  if (!keys) return errors::unauthorized("oidc: authenticator not initialized");
  return parts_->verify(token, *jws, algorithm, key_id, *keys, audiences);
}

void Oidc::ask(const std::string& token, const Audiences& audiences, Done done) {
  if (auto known = check(token, audiences)) return done(std::move(*known));
  parts_->keys->fetch([parts = parts_, token, audiences, done = std::move(done)] {
    done(Oidc(parts).check(token, audiences).value_or(errors::unauthorized()));
  });
}

}  // namespace pinnace::apiserver
