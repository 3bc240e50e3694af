#include "apiserver/http/remote_server.h"

#include <atomic>
#include <set>

#include "api/yaml.h"
#include "base/strings.h"
#include "io/files.h"
#include "io/loop.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr Duration kFirstPause = std::chrono::milliseconds(500);
constexpr Duration kTokenLife = std::chrono::minutes(1);

// The entry of `list` with this name; its member `inner`.
const api::Value* named(const api::Value& config, std::string_view list, std::string_view name,
                        std::string_view inner) {
  const auto* entries = config.find(list);
  if (entries == nullptr || !entries->is_array()) return nullptr;
  for (const auto& entry : entries->items()) {
    if (entry.string_at("name") == name) return entry.find(inner);
  }
  return nullptr;
}

// The text that stands in `key`-data as base64 or in the file that `key` names; "" for neither.
Result<std::string> text_or_file(const api::Value* from, const std::string& key,
                                 const std::string& directory) {
  if (from == nullptr) return "";
  if (const auto data = from->string_at(key + "-data"); !data.empty()) {
    auto decoded = base64_decode(data);
    if (!decoded) return errors::bad_request(key + "-data is no base64");
    return std::move(*decoded);
  }
  std::string path(from->string_at(key));
  if (path.empty()) return "";
  if (!path.starts_with('/')) path = directory + "/" + path;
  return io::read_file(path, kMaxFileBytes);
}

Result<void> set_credentials(RemoteTarget& target, const api::Value* user) {
  if (user == nullptr) return {};
  const std::string_view token = user->string_at("token");
  const std::string_view name = user->string_at("username");
  target.token_file = user->string_at("tokenFile");
  if (!token.empty()) {
    target.headers.set("authorization", "Bearer " + std::string(token));
  } else if (!name.empty()) {
    target.headers.set("authorization",
                       "Basic " + base64_encode(std::string(name) + ":" +
                                                std::string(user->string_at("password"))));
  }
  if (user->find("exec") != nullptr || user->find("auth-provider") != nullptr) {
    return errors::bad_request("credential plugins are not run by the server");
  }
  return {};
}

Result<RemoteTarget> target_of(const std::string& url, net::ClientTlsOptions tls) {
  auto parsed = net::parse_url(url);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  RemoteTarget target;
  target.client.endpoint.host = parsed->host;
  target.client.endpoint.port = parsed->port;
  if (!parsed->path.empty()) target.path = parsed->path;
  if (!parsed->tls) return target;
  auto context = net::TlsClientContext::create(tls);
  if (!context) return std::unexpected(std::move(context.error()));
  target.client.endpoint.tls = std::move(*context);
  return target;
}

Result<RemoteTarget> read_config(const api::Value& config, const std::string& directory) {
  const std::string_view current = config.string_at("current-context");
  const auto* context = named(config, "contexts", current, "context");
  if (context == nullptr) {
    return errors::bad_request("no context \"" + std::string(current) + "\"");
  }
  const auto* cluster = named(config, "clusters", context->string_at("cluster"), "cluster");
  if (cluster == nullptr) return errors::bad_request("the context names no cluster");
  const auto* user = named(config, "users", context->string_at("user"), "user");
  net::ClientTlsOptions tls;
  tls.server_name = cluster->string_at("tls-server-name");
  tls.skip_verification = cluster->bool_at("insecure-skip-tls-verify");
  struct Text {
    const api::Value* from;
    const char* key;
    std::string* to;
  };
  for (const Text& text : {Text{cluster, "certificate-authority", &tls.ca_pem},
                           Text{user, "client-certificate", &tls.certificate_pem},
                           Text{user, "client-key", &tls.private_key_pem}}) {
    auto found = text_or_file(text.from, text.key, directory);
    if (!found) return std::unexpected(std::move(found.error()));
    *text.to = std::move(*found);
  }
  auto target = target_of(std::string(cluster->string_at("server")), std::move(tls));
  if (!target) return target;
  if (auto set = set_credentials(*target, user); !set) {
    return std::unexpected(std::move(set.error()));
  }
  return target;
}

}  // namespace

Result<RemoteTarget> target_of(const std::string& url, const std::string& ca_pem) {
  if (!url.starts_with("https://")) return errors::bad_request("not an https URL: " + url);
  net::ClientTlsOptions tls;
  tls.ca_pem = ca_pem;
  return target_of(url, std::move(tls));
}

Result<RemoteTarget> read_webhook_kubeconfig(const std::string& path) {
  auto text = io::read_file(path, kMaxFileBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  api::Arena arena;
  auto config = api::parse_yaml(arena, *text);
  const auto slash = path.rfind('/');
  auto target = config
                    ? read_config(*config, slash == std::string::npos ? "." : path.substr(0, slash))
                    : Result<RemoteTarget>(std::unexpected(std::move(config.error())));
  if (!target) target.error().message = path + ": " + target.error().message;
  return target;
}

// Belongs to the loop but for `waiting`.
struct RemoteServer::State : std::enable_shared_from_this<State> {
  // One request, asked as often as it takes.
  struct Ask : std::enable_shared_from_this<Ask> {
    net::ClientRequest request;
    Duration timeout;
    int attempts_left;
    Duration pause = kFirstPause;
    Done done;
    net::ClientResponse response;
    Executor::TimerId timer = 0;
    std::unique_ptr<net::Call> call;
  };
  using AskRef = std::shared_ptr<Ask>;

  State(io::Loop& on, RemoteTarget to) : loop(on), target(std::move(to)) {}

  void start(const AskRef& ask) {
    if (is_closed) return;
    if (!client) client = net::HttpClient::create(loop, target.client);
    asks.insert(ask);
    ask->response = {};
    ask->timer = loop.schedule_after(ask->timeout, [self = weak_from_this(), ask] {
      if (const auto state = self.lock()) {
        state->ended(ask, errors::timeout("no answer in time", 0));
      }
    });
    net::ClientRequest request = ask->request;
    for (const auto& [name, value] : target.headers.all()) request.headers.set(name, value);
    if (!target.token_file.empty()) request.headers.set("authorization", "Bearer " + token());
    net::Call::Events events;
    events.on_head = [ask](const net::ResponseHead& head) {
      ask->response.status = head.status;
      ask->response.headers = head.headers;
    };
    events.on_data = [self = weak_from_this(), ask](std::string_view bytes) {
      if (ask->response.body.size() + bytes.size() <= kMaxAnswerBytes) {
        ask->response.body.append(bytes);
      } else if (const auto state = self.lock()) {
        state->ended(ask, errors::too_large("the answer is too large"));
      }
    };
    events.on_done = [self = weak_from_this(), ask](Result<void> result) {
      if (const auto state = self.lock()) state->ended(ask, std::move(result));
    };
    ask->call = client->send(std::move(request), std::move(events));
  }

  void ended(const AskRef& ask, Result<void> result) {
    if (asks.erase(ask) == 0) return;
    loop.cancel(ask->timer);
    // Not inside of its own event.
    loop.post([call = std::shared_ptr<net::Call>(std::move(ask->call))] {});
    const int status = ask->response.status;
    const bool is_answer = result && status != 429 && status < 500;
    if (!is_answer && --ask->attempts_left > 0 && !is_closed) {
      loop.schedule_after(ask->pause, [self = weak_from_this(), ask] {
        if (const auto state = self.lock()) state->start(ask);
      });
      ask->pause = ask->pause * 3 / 2;
      return;
    }
    waiting.fetch_sub(1);
    if (is_closed) return;
    if (!result) {
      ask->done(errors::unavailable(result.error().message));
    } else {
      ask->done(std::move(ask->response));
    }
  }

  const std::string& token() {
    const MonotonicTime now = loop.clock().monotonic();
    if (kept_token.empty() || now - token_read_at > kTokenLife) {
      if (auto text = io::read_file(target.token_file, kMaxFileBytes)) kept_token = trim(*text);
      token_read_at = now;
    }
    return kept_token;
  }

  io::Loop& loop;
  const RemoteTarget target;
  std::unique_ptr<net::HttpClient> client;
  std::set<AskRef> asks;
  std::string kept_token;
  MonotonicTime token_read_at;
  bool is_closed = false;
  std::atomic<std::size_t> waiting{0};
};

RemoteServer::RemoteServer(io::Loop& loop, RemoteTarget target)
    : state_(std::make_shared<State>(loop, std::move(target))) {}

RemoteServer::~RemoteServer() {
  state_->loop.post([state = state_] {
    state->is_closed = true;
    state->asks.clear();
    state->client.reset();
  });
}

void RemoteServer::post(std::string json, Duration timeout, int attempts, Done done) {
  auto ask = std::make_shared<State::Ask>();
  ask->request.method = "POST";
  ask->request.target = state_->target.path;
  ask->request.headers.add("content-type", "application/json");
  ask->request.headers.add("accept", "application/json");
  ask->request.body = std::move(json);
  ask->timeout = timeout;
  ask->attempts_left = attempts;
  ask->done = std::move(done);
  if (state_->waiting.fetch_add(1) >= kMaxWaiting) {
    state_->waiting.fetch_sub(1);
    return ask->done(errors::too_many_requests("too many calls wait for this server", 1));
  }
  state_->loop.post([state = state_, ask] { state->start(ask); });
}

void RemoteServer::get(std::string path, Duration timeout, Done done) {
  auto ask = std::make_shared<State::Ask>();
  ask->request.target = std::move(path);
  ask->request.headers.add("accept", "application/json");
  ask->timeout = timeout;
  ask->attempts_left = 1;
  ask->done = std::move(done);
  state_->waiting.fetch_add(1);
  state_->loop.post([state = state_, ask] { state->start(ask); });
}

}  // namespace pinnace::apiserver
