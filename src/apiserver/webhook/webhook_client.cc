#include "apiserver/webhook/webhook_client.h"

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "io/loop.h"

namespace pinnace::apiserver {
namespace {

constexpr Duration kFirstBackoff = std::chrono::milliseconds(500);
constexpr std::string_view kOutOfTime = "context deadline exceeded";

// The connections to one server.
struct Host {
  std::unique_ptr<net::HttpClient> client;
  std::size_t active = 0;
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
  Duration backoff = kFirstBackoff;
};
using AskedRef = std::shared_ptr<Asked>;

bool is_worth_a_retry(int status) { return status == 429 || status >= 500; }

// Everything here lives on the loop's thread.
class Desk {
 public:
  explicit Desk(io::Loop& loop) : loop_(loop) {}
  ~Desk() {
    while (!asked_.empty()) fail(*asked_.begin(), "the server is shutting down");
  }

  void start(const AskedRef& asked) {
    asked_.insert(asked);
    asked->deadline =
        loop_.schedule_after(asked->request.timeout, [this, asked] { fail(asked, kOutOfTime); });
    attempt(asked);
  }

 private:
  void attempt(const AskedRef& asked) {
    ++asked->attempt;
    asked->answer = {};
    asked->host = host_for(*asked);
    ++asked->host->active;
    net::Call::Events events;
    events.on_head = [asked](const net::ResponseHead& head) {
      asked->answer.status = head.status;
      asked->answer.headers = head.headers;
    };
    events.on_data = [this, asked](std::string_view bytes) {
      if (asked->answer.body.size() + bytes.size() > kMaxWebhookAnswerBytes) {
        return fail(asked, "the answer is too large");
      }
      asked->answer.body.append(bytes);
    };
    events.on_done = [this, asked](const Result<void>& result) { ended(asked, result); };
    auto call = asked->host->client->send(request_of(*asked), std::move(events));
    if (asked->host != nullptr) asked->call = std::move(call);
  }

  static net::ClientRequest request_of(const Asked& asked) {
    net::ClientRequest request;
    request.method = asked.request.method;
    request.headers = asked.request.headers;
    const net::Url& url = asked.target->parts();
    request.target = url.path.empty() ? "/" : url.path;
    const bool is_v6 = url.host.find(':') != std::string::npos;
    std::string host = is_v6 ? "[" + url.host + "]" : url.host;
    if (url.port != (url.tls ? 443 : 80)) host += ":" + std::to_string(url.port);
    request.headers.add("host", host);
    request.headers.add("content-type", asked.request.content_type);
    request.headers.add("accept", "application/json, */*");
    request.headers.add("user-agent", "kube-apiserver-admission");
    if (!asked.target->authorization().empty()) {
      request.headers.add("authorization", asked.target->authorization());
    }
    request.body = asked.request.body;
    return request;
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
    const bool is_last = asked->attempt >= asked->request.attempts;
    const bool again = !result || is_worth_a_retry(asked->answer.status);
    if (again && !is_last) {
      release(*asked);
      asked->retry = loop_.schedule_after(asked->backoff, [this, asked] { attempt(asked); });
      asked->backoff = asked->backoff * 3 / 2;
      return;
    }
    if (!result) return fail(asked, result.error().message);
    finish(asked, std::move(asked->answer));
  }

  void fail(const AskedRef& asked, std::string_view why) {
    finish(asked, errors::unavailable(webhook_failure(*asked->target, why)));
  }

  // Lets go of the connection, but not in the middle of its own event.
  void release(Asked& asked) {
    if (asked.host == nullptr) return;
    --asked.host->active;
    loop_.post([call = std::shared_ptr<net::Call>(std::move(asked.call)),
                host = std::exchange(asked.host, nullptr)] {});
  }

  void finish(const AskedRef& asked, Result<WebhookAnswer> answer) {
    const AskedRef kept = asked;
    if (asked_.erase(kept) == 0) return;
    loop_.cancel(kept->deadline);
    loop_.cancel(kept->retry);
    release(*kept);
    kept->done(std::move(answer));
  }

  io::Loop& loop_;
  std::set<AskedRef> asked_;
  std::map<std::string, HostRef> hosts_;
  std::uint64_t uses_ = 0;
};

class WebhookClientImpl final : public WebhookClient {
 public:
  ~WebhookClientImpl() override {
    if (thread_ == nullptr) return;
    thread_->run_and_wait([this] { desk_.reset(); });
  }

  void post(const WebhookTargetRef& target, WebhookRequest request, WebhookDone done) override {
    if (calls_.fetch_add(1) >= kMaxWebhookCalls) {
      calls_.fetch_sub(1);
      return done(errors::unavailable(webhook_failure(*target, "too many calls under way")));
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

std::string webhook_failure(const WebhookTarget& target, std::string_view why) {
  return "Post \"" + target.url() + "\": " + std::string(why);
}

}  // namespace pinnace::apiserver
