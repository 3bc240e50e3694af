// IssuerKeys are the keys with which an issuer signs its tokens, fetched where its discovery
// document says.
//
// Why lazily: an issuer that is away must not keep the server from starting, and keys that nobody
//   needs are not fetched.
// Threads: any. `done` runs on the client's thread, or before `fetch` returns.
// Bounds: kMaxWaiting callers wait for one fetch; fetches are at least kPause apart, whatever
//   tokens say; keys are kept for kKeep and then fetched anew beside their use.
// Source: OpenID Connect Discovery 1.0.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "apiserver/authentication/authentication_config.h"
#include "base/clock.h"
#include "net/jwk.h"

namespace pinnace::apiserver {

class WebhookClient;

class IssuerKeys {
 public:
  static constexpr std::size_t kMaxWaiting = 1000;
  static constexpr Duration kPause = std::chrono::seconds(10);
  static constexpr Duration kKeep = std::chrono::hours(1);
  using Keys = std::shared_ptr<const net::JwkSet>;

  static Result<std::unique_ptr<IssuerKeys>> create(const IssuerSpec& issuer, WebhookClient& client,
                                                    const Clock& clock);
  ~IssuerKeys();

  // Null until they came for the first time. Old keys are renewed in the background.
  Keys current();
  // Whether asking anew may help: there are none, or the last fetch was a while ago.
  bool may_fetch();
  void fetch(std::function<void()> done);

 private:
  struct State;
  explicit IssuerKeys(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

// The keys of a JWKS document; 400 for what is none.
Result<std::vector<net::Jwk>> parse_jwks(std::string_view json);

}  // namespace pinnace::apiserver
