#include "apiserver/webhook/webhook_client.h"

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/strings.h"
#include "io/files.h"
#include "io/loop.h"

namespace pinnace::apiserver {
namespace {

constexpr Duration kTokenLife = std::chrono::minutes(1);
constexpr std::size_t kMaxTokenBytes = 1 << 20;
constexpr std::string_view kOutOfTime = "context deadline exceeded";
constexpr std::string_view kTooMany = "too many calls under way";

// The connections to one server.
struct Host {
  std::unique_ptr<net::HttpClient> client;
  std::size_t active = 0;  // Questions, those that wait to be asked again too.
  std::uint64_t last_used = 0;
};
using HostRef = std::shared_ptr<Host>;

// One question until its answer.
struct Asked {
  WebhookTargetRef target;
  WebhookRequest request;
  WebhookDone done;
  HostRef host;
  WebhookAnswer answer;
  std::unique_ptr<net::Call> call;
  Executor::TimerId deadline = 0, retry = 0;
  int attempt = 0;
  bool is_open = false;  // An attempt is under way; what an older one says does not count.
};
using AskedRef = std::shared_ptr<Asked>;

bool is_worth_a_retry(const WebhookRequest& request, int status) {
  return status == 429 || status >= 500 || (request.insists && (status < 200 || status > 299));
}

// Everything here lives on the loop's thread.
class Desk {
 public:
  explicit Desk(io::Loop& loop) : loop_(loop) {}
  ~Desk() {
    while (!asked_.empty()) fail(*asked_.begin(), "the server is shutting down");
  }

  void start(const AskedRef& asked) {
    asked_.insert(asked);
    asked->host = host_for(*asked);
    if (++asked->host->active > kMaxCallsOfTarget) return fail(asked, kTooMany);
    attempt(asked);
  }

 private:
  void attempt(const AskedRef& asked) {
    ++asked->attempt;
    asked->is_open = true;
    asked->answer = {};
    asked->deadline = loop_.schedule_after(asked->request.timeout, [this, asked] {
      ended(asked, errors::timeout(std::string(kOutOfTime), 0));
    });
    net::Call::Events events;
    events.on_head = [asked](const net::ResponseHead& head) {
      asked->answer.status = head.status;
      asked->answer.headers = head.headers;
    };
    events.on_data = [this, asked](std::string_view bytes) {
      if (!asked->is_open) return;
      if (asked->answer.body.size() + bytes.size() > kMaxWebhookAnswerBytes) {
        return fail(asked, "the answer is too large");
      }
      asked->answer.body.append(bytes);
    };
    events.on_done = [this, asked](const Result<void>& result) { ended(asked, result); };
    auto call = asked->host->client->send(request_of(*asked), std::move(events));
    if (asked->host != nullptr) asked->call = std::move(call);
  }

  net::ClientRequest request_of(const Asked& asked) {
    net::ClientRequest request;
    request.method = asked.request.method;
    request.headers = asked.request.headers;
    const net::Url& url = asked.target->parts();
    request.target = url.path.empty() ? "/" : url.path;
    const bool is_v6 = url.host.find(':') != std::string::npos;
    std::string host = is_v6 ? "[" + url.host + "]" : url.host;
    if (url.port != (url.tls ? 443 : 80)) host += ":" + std::to_string(url.port);
    request.headers.add("host", host);
    if (!asked.request.body.empty()) {
      request.headers.add("content-type", asked.request.content_type);
    }
    if (!request.headers.has("accept")) request.headers.add("accept", "application/json, */*");
    request.headers.add("user-agent", "kube-apiserver-admission");
    if (!asked.target->authorization().empty()) {
      request.headers.add("authorization", asked.target->authorization());
    } else if (const auto& file = asked.target->token_file(); !file.empty()) {
      request.headers.add("authorization", "Bearer " + token_in(file));
    }
    request.body = asked.request.body;
    return request;
  }

  const std::string& token_in(const std::string& file) {
    Token& token = tokens_[file];
    const MonotonicTime now = loop_.clock().monotonic();
    if (token.text.empty() || now - token.read_at > kTokenLife) {
      if (auto text = io::read_file(file, kMaxTokenBytes)) token.text = trim(*text);
      token.read_at = now;
    }
    return token.text;
  }

  HostRef host_for(const Asked& asked) {
    const net::Url& url = asked.target->parts();
    net::Endpoint endpoint;
    endpoint.host = asked.request.dial_host.empty() ? url.host : asked.request.dial_host;
    endpoint.port = asked.request.dial_port == 0 ? url.port : asked.request.dial_port;
    endpoint.tls = asked.target->tls();
    const std::string key =
        endpoint.host + "|" + std::to_string(endpoint.port) + "|" + asked.target->identity();
    HostRef& host = hosts_[key];
    if (host == nullptr) {
      host = std::make_shared<Host>();
      host->client = net::HttpClient::create(loop_, {.endpoint = std::move(endpoint)});
    }
    host->last_used = ++uses_;
    const HostRef found = host;
    close_idle();
    return found;
  }

  void close_idle() {
    while (hosts_.size() > kMaxWebhookTargets) {
      auto oldest = hosts_.end();
      for (auto it = hosts_.begin(); it != hosts_.end(); ++it) {
        const bool is_older =
            oldest == hosts_.end() || it->second->last_used < oldest->second->last_used;
        if (it->second->active == 0 && it->second->last_used != uses_ && is_older) oldest = it;
      }
      if (oldest == hosts_.end()) return;
      hosts_.erase(oldest);
    }
  }

  void ended(const AskedRef& asked, const Result<void>& result) {
    if (!std::exchange(asked->is_open, false)) return;
    loop_.cancel(asked->deadline);
    const bool is_last = asked->attempt >= asked->request.attempts;
    const bool again = !result || is_worth_a_retry(asked->request, asked->answer.status);
    if (again && !is_last) {
      hang_up(*asked);
      asked->retry = loop_.schedule_after(asked->request.pause, [this, asked] { attempt(asked); });
      asked->request.pause = asked->request.pause * 3 / 2;
      return;
    }
    if (!result) return fail(asked, result.error().message);
    finish(asked, std::move(asked->answer));
  }

  void fail(const AskedRef& asked, std::string_view why) {
    finish(asked, errors::unavailable(webhook_failure(*asked->target, why, asked->request.method)));
  }

  // Lets go of the connection, but not in the middle of its own event.
  void hang_up(Asked& asked) {
    loop_.post([call = std::shared_ptr<net::Call>(std::move(asked.call)), host = asked.host] {});
  }

  void finish(const AskedRef& asked, Result<WebhookAnswer> answer) {
    const AskedRef kept = asked;
    if (asked_.erase(kept) == 0) return;
    kept->is_open = false;
    loop_.cancel(kept->deadline);
    loop_.cancel(kept->retry);
    hang_up(*kept);
    --std::exchange(kept->host, nullptr)->active;
    kept->done(std::move(answer));
  }

  io::Loop& loop_;
  std::set<AskedRef> asked_;
  std::map<std::string, HostRef> hosts_;
  struct Token {
    std::string text;
    MonotonicTime read_at;
  };
  std::map<std::string, Token> tokens_;  // By file: as many as configurations name.
  std::uint64_t uses_ = 0;
};

class WebhookClientImpl final : public WebhookClient {
 public:
  ~WebhookClientImpl() override {
    if (thread_ == nullptr) return;
    thread_->run_and_wait([this] { desk_.reset(); });
  }

  void send(const WebhookTargetRef& target, WebhookRequest request, WebhookDone done) override {
    if (calls_.fetch_add(1) >= kMaxWebhookCalls) {
      calls_.fetch_sub(1);
      return done(errors::unavailable(webhook_failure(*target, kTooMany, request.method)));
    }
    auto asked = std::make_shared<Asked>();
    asked->target = target;
    asked->request = std::move(request);
    asked->done = [this, done = std::move(done)](Result<WebhookAnswer> answer) {
      calls_.fetch_sub(1);
      done(std::move(answer));
    };
    loop().post([this, asked] {
      if (desk_ != nullptr) desk_->start(asked);
    });
  }

 private:
  io::Loop& loop() {
    const std::lock_guard lock(mutex_);
    if (thread_ == nullptr) {
      thread_ = std::make_unique<io::LoopThread>("webhooks");
      desk_ = std::make_unique<Desk>(thread_->loop());
    }
    return thread_->loop();
  }

  std::atomic<std::size_t> calls_{0};
  std::mutex mutex_;
  std::unique_ptr<io::LoopThread> thread_;
  std::unique_ptr<Desk> desk_;
};

}  // namespace

std::unique_ptr<WebhookClient> WebhookClient::create() {
  return std::make_unique<WebhookClientImpl>();
}

std::string webhook_failure(const WebhookTarget& target, std::string_view why,
                            std::string_view method) {
  const std::string_view verb = method == "GET" ? "Get" : "Post";
  return std::string(verb) + " \"" + target.url() + "\": " + std::string(why);
}

}  // namespace pinnace::apiserver
