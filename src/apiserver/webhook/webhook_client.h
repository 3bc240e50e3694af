// WebhookClient asks servers of others: webhooks of admission, conversion and audit, reviewers of
// tokens and access, issuers of tokens, the discovery of API servers behind this one.
//
// Why one for all: each is a small question that must end in time; connections, bounds and the
//   words for what went wrong are the same for all of them.
// Lifetime: what still waits when the client is destroyed is told an Error. Destroy it after the
//   server takes no more requests, before the server and its store.
// Threads: `send` from any thread. `done` runs once, on the client's own thread, and must not
//   block. The thread starts with the first call.
// Errors: an answer of any status is an answer. An Error has the words of Go's http client, which
//   people know: `Post "URL": context deadline exceeded`.
// Bounds: kMaxWebhookCalls at once and kMaxCallsOfTarget of them to one server, so that one
//   that is slow does not keep the others from being asked; more get an Error at once; an answer of
//   at most kMaxWebhookAnswerBytes; connections are kept for kMaxWebhookTargets servers, the least
//   used ones that are idle are closed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "net/http.h"
#include "net/http_client.h"
#include "net/tls.h"

namespace pinnace::apiserver {

inline constexpr std::size_t kMaxWebhookCalls = 4096;
inline constexpr std::size_t kMaxCallsOfTarget = 1000;
inline constexpr std::size_t kMaxWebhookAnswerBytes = 16u << 20;
inline constexpr std::size_t kMaxWebhookTargets = 256;

struct WebhookTargetOptions {
  std::string url;  // "https://HOST[:PORT]/PATH?QUERY"
  // TLS. Without a server name the URL's host is what the certificate must be for.
  std::string ca_pem;  // Empty: the system's roots.
  std::string server_name;
  bool skip_verification = false;
  std::string certificate_pem, private_key_pem;
  // Who we are to it; at most one of the three.
  std::string bearer_token;
  std::string token_file;  // In place of a token, one that may change: read again each minute.
  std::string user_name, password;
};

// Where a webhook is and how to talk to it: immutable, made once, used for many calls.
class WebhookTarget {
 public:
  // 400 for a URL or certificates that are none.
  static Result<std::shared_ptr<const WebhookTarget>> create(WebhookTargetOptions options);
  // What the current context of a kubeconfig file leads to, as --authentication-token-webhook-
  // config-file and its like take it. Reads files: not while serving.
  static Result<std::shared_ptr<const WebhookTarget>> read_kubeconfig(const std::string& path);

  // The same with one more parameter, as NAME=VALUE.
  std::shared_ptr<const WebhookTarget> with_parameter(std::string_view parameter) const;

  const std::string& url() const { return url_; }
  const net::Url& parts() const { return parts_; }
  const std::string& authorization() const { return authorization_; }
  const std::string& token_file() const { return token_file_; }
  const std::shared_ptr<net::TlsClientContext>& tls() const { return tls_; }
  // Targets of the same identity at the same address share connections.
  const std::string& identity() const { return identity_; }

 private:
  WebhookTarget() = default;
  std::string url_;
  net::Url parts_;
  std::string authorization_, token_file_;
  std::shared_ptr<net::TlsClientContext> tls_;
  std::string identity_;
};
using WebhookTargetRef = std::shared_ptr<const WebhookTarget>;

struct WebhookRequest {
  std::string method = "POST";
  std::string body;
  std::string content_type = "application/json";  // Of the body, where there is one.
  net::Headers headers;                           // Besides those that every call has.
  Duration timeout = std::chrono::seconds(10);    // For each attempt.
  // Where to connect instead of the URL's host and port: what a Service's name leads to.
  std::string dial_host;
  int dial_port = 0;
  // How often to try where there was no answer, or one of 429 or 5xx, or any that is none of 2xx;
  // with `pause` between the first two, half as much more before each further one.
  int attempts = 1;
  Duration pause = std::chrono::milliseconds(500);
  bool insists = false;
};

using WebhookAnswer = net::ClientResponse;
using WebhookDone = std::function<void(Result<WebhookAnswer>)>;

class WebhookClient {
 public:
  static std::unique_ptr<WebhookClient> create();
  virtual ~WebhookClient() = default;
  virtual void send(const WebhookTargetRef& target, WebhookRequest request, WebhookDone done) = 0;
};

// `Post "URL": WHY`
std::string webhook_failure(const WebhookTarget& target, std::string_view why,
                            std::string_view method = "POST");

}  // namespace pinnace::apiserver
