// RemoteServer is a server outside that this one asks: a webhook or the issuer of tokens.
//
// Threads: `send` from any thread; `done` is called once, on the loop, but never after the
//   RemoteServer is gone.
// Lifetime: the loop outlives it.
// Errors: 503 when there was no answer in time, 429 when too many wait for one. An answer of any
//   status is an answer.
// Bounds: kMaxWaiting requests at once, an answer of kMaxAnswerBytes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "net/http_client.h"

namespace pinnace::apiserver {

// Where such a server is and how to show who we are.
struct RemoteTarget {
  net::ClientOptions client;
  std::string path = "/";
  net::Headers headers;    // With every request.
  std::string token_file;  // A bearer token that may change; read again each minute.
};

// The current context of a kubeconfig file: how webhooks are configured.
Result<RemoteTarget> read_webhook_kubeconfig(const std::string& path);
// An https URL, checked against this authority; "": the system's.
Result<RemoteTarget> target_of(const std::string& url, const std::string& ca_pem);

class RemoteServer {
 public:
  using Done = std::function<void(Result<net::ClientResponse>)>;
  static constexpr std::size_t kMaxWaiting = 1000;
  static constexpr std::size_t kMaxAnswerBytes = 4u << 20;

  RemoteServer(io::Loop& loop, RemoteTarget target);
  ~RemoteServer();

  // POSTs JSON; asks again, after a while that grows, when there was no answer or one of 429 or
  // 5xx, up to `attempts` times in all.
  void post(std::string json, Duration timeout, int attempts, Done done);
  // GETs `path` on the same server.
  void get(std::string path, Duration timeout, Done done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pinnace::apiserver
