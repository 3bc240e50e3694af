#include "apiserver/authentication/issuer_keys.h"

#include <mutex>

#include "api/json.h"
#include "apiserver/http/remote_server.h"
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
  State(IssuerSpec of, io::Loop& on, const Clock& with, RemoteTarget target)
      : issuer(std::move(of)),
        loop(on),
        clock(with),
        discovery_path(target.path),
        discovery(std::make_unique<RemoteServer>(on, std::move(target))) {}

  void begin() {
    discovery->get(discovery_path, kTimeout,
                   [self = weak_from_this()](Result<net::ClientResponse> answer) {
                     if (const auto state = self.lock()) state->discovered(std::move(answer));
                   });
  }

  void discovered(Result<net::ClientResponse> answer) {
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
    const std::string path = target->path;
    key_server = std::make_unique<RemoteServer>(loop, std::move(*target));
    key_server->get(path, kTimeout, [self = weak_from_this()](Result<net::ClientResponse> keys) {
      if (const auto state = self.lock()) state->received(std::move(keys));
    });
  }

  void received(Result<net::ClientResponse> answer) {
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
  io::Loop& loop;
  const Clock& clock;
  const std::string discovery_path;
  const std::unique_ptr<RemoteServer> discovery;
  std::unique_ptr<RemoteServer> key_server;  // Of the fetch that is under way.

  std::mutex mutex;
  Keys current;
  MonotonicTime received_at, fetched_at;
  bool was_fetched = false, is_fetching = false;
  std::vector<std::function<void()>> waiting;
};

IssuerKeys::~IssuerKeys() = default;

Result<std::unique_ptr<IssuerKeys>> IssuerKeys::create(const IssuerSpec& issuer, io::Loop& loop,
                                                       const Clock& clock) {
  std::string url = issuer.discovery_url;
  if (url.empty()) {
    url = issuer.url;
    if (url.ends_with('/')) url.pop_back();
    url += kWellKnown;
  }
  auto target = target_of(url, issuer.authority_pem);
  if (!target) return std::unexpected(std::move(target.error()));
  return std::unique_ptr<IssuerKeys>(
      new IssuerKeys(std::make_shared<State>(issuer, loop, clock, std::move(*target))));
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
  state_->begin();
}

}  // namespace pinnace::apiserver
