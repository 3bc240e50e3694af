#include "apiserver/authentication/issuer_keys.h"

#include <mutex>

#include "api/json.h"
#include "apiserver/webhook/webhook_client.h"
#include "base/log.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(10);
constexpr std::size_t kMaxKeys = 100;
constexpr std::string_view kWellKnown = "/.well-known/openid-configuration";

std::string bytes_at(const api::Value& jwk, std::string_view key) {
  return base64url_decode(jwk.string_at(key)).value_or("");
}

Result<WebhookTargetRef> target_of(const std::string& url, const std::string& authority_pem) {
  if (!url.starts_with("https://")) return errors::bad_request("not an https URL: " + url);
  return WebhookTarget::create({.url = url, .ca_pem = authority_pem});
}

}  // namespace

Result<std::vector<net::Jwk>> parse_jwks(std::string_view json) {
  api::Arena arena;
  const auto parsed = api::parse_json(arena, json);
  if (!parsed) return std::unexpected(parsed.error());
  const auto* list = parsed->find("keys");
  if (list == nullptr || !list->is_array()) return errors::bad_request("not a set of keys");
  std::vector<net::Jwk> keys;
  for (const auto& item : list->items()) {
    const std::string_view use = item.string_at("use");
    if (keys.size() == kMaxKeys || (!use.empty() && use != "sig")) continue;
    keys.push_back({std::string(item.string_at("kty")), std::string(item.string_at("kid")),
                    std::string(item.string_at("alg")), bytes_at(item, "n"), bytes_at(item, "e"),
                    std::string(item.string_at("crv")), bytes_at(item, "x"), bytes_at(item, "y")});
  }
  return keys;
}

struct IssuerKeys::State : std::enable_shared_from_this<State> {
  State(IssuerSpec of, WebhookClient& with_client, const Clock& with, WebhookTargetRef target)
      : issuer(std::move(of)), client(with_client), clock(with), discovery(std::move(target)) {}

  // Nobody waits any more for an answer that finds no state.
  void get(const WebhookTargetRef& target, void (State::*then)(Result<WebhookAnswer>)) {
    client.send(target, {.method = "GET", .body = "", .timeout = kTimeout},
                [self = weak_from_this(), then](Result<WebhookAnswer> answer) {
                  if (const auto state = self.lock()) ((*state).*then)(std::move(answer));
                });
  }

  void discovered(Result<WebhookAnswer> answer) {
    if (!answer) return ended(answer.error().message);
    api::Arena arena;
    const auto document = api::parse_json(arena, answer->body);
    if (answer->status != 200 || !document) return ended("no discovery document");
    if (document->string_at("issuer") != issuer.url) {
      return ended("the discovery document is of another issuer: " +
                   std::string(document->string_at("issuer")));
    }
    auto target = target_of(std::string(document->string_at("jwks_uri")), issuer.authority_pem);
    if (!target) return ended(target.error().message);
    get(*target, &State::received);
  }

  void received(Result<WebhookAnswer> answer) {
    if (!answer) return ended(answer.error().message);
    auto keys = parse_jwks(answer->body);
    if (answer->status != 200 || !keys) return ended("no set of keys");
    {
      const std::lock_guard lock(mutex);
      current = net::JwkSet::create(*keys);
      received_at = clock.monotonic();
    }
    ended("");
  }

  void ended(const std::string& why) {
    if (!why.empty()) {
      log::warning("the keys of an issuer cannot be fetched",
                   {{"issuer", issuer.url}, {"error", why}});
    }
    std::vector<std::function<void()>> told;
    {
      const std::lock_guard lock(mutex);
      is_fetching = false;
      told.swap(waiting);
    }
    for (const auto& done : told) done();
  }

  const IssuerSpec issuer;
  WebhookClient& client;
  const Clock& clock;
  const WebhookTargetRef discovery;

  std::mutex mutex;
  Keys current;
  MonotonicTime received_at, fetched_at;
  bool was_fetched = false, is_fetching = false;
  std::vector<std::function<void()>> waiting;
};

IssuerKeys::~IssuerKeys() = default;

Result<std::unique_ptr<IssuerKeys>> IssuerKeys::create(const IssuerSpec& issuer,
                                                       WebhookClient& client, const Clock& clock) {
  std::string url = issuer.discovery_url;
  if (url.empty()) {
    url = issuer.url;
    if (url.ends_with('/')) url.pop_back();
    url += kWellKnown;
  }
  auto target = target_of(url, issuer.authority_pem);
  if (!target) return std::unexpected(std::move(target.error()));
  return std::unique_ptr<IssuerKeys>(
      new IssuerKeys(std::make_shared<State>(issuer, client, clock, std::move(*target))));
}

IssuerKeys::Keys IssuerKeys::current() {
  Keys keys;
  bool is_old = false;
  {
    const std::lock_guard lock(state_->mutex);
    keys = state_->current;
    is_old = keys && state_->clock.monotonic() - state_->received_at > kKeep;
  }
  if (is_old && may_fetch()) fetch([] {});
  return keys;
}

bool IssuerKeys::may_fetch() {
  const std::lock_guard lock(state_->mutex);
  return state_->is_fetching || !state_->was_fetched ||
         state_->clock.monotonic() - state_->fetched_at > kPause;
}

void IssuerKeys::fetch(std::function<void()> done) {
  {
    std::unique_lock lock(state_->mutex);
    if (state_->waiting.size() >= kMaxWaiting) {
      lock.unlock();
      return done();
    }
    state_->waiting.push_back(std::move(done));
    if (state_->is_fetching) return;
    state_->is_fetching = state_->was_fetched = true;
    state_->fetched_at = state_->clock.monotonic();
  }
  state_->get(state_->discovery, &State::discovered);
}

}  // namespace pinnace::apiserver
