#include "kubelet/http_fetcher.h"

#include <algorithm>
#include <future>

#include "base/strings.h"
#include "io/loop.h"
#include "net/http_client.h"

namespace pinnace::kubelet {
namespace {

constexpr std::size_t kMaxBody = 10 << 10;
constexpr std::chrono::milliseconds kStopCheck{200};

// One request under way; keeps itself alive until it is done.
struct Fetch : std::enable_shared_from_this<Fetch> {
  std::unique_ptr<net::HttpClient> client;
  std::unique_ptr<net::Call> call;
  HttpAnswer answer;
  Executor::TimerId timer = 0;
  io::Loop* loop = nullptr;
  std::function<void(Result<HttpAnswer>)> done;

  void finish(Result<HttpAnswer> result) {
    if (!done) return;
    loop->cancel(timer);
    auto tell = std::exchange(done, nullptr);
    tell(std::move(result));
    // Not from inside the call's own event.
    loop->post([self = shared_from_this()] {
      self->call.reset();
      self->client.reset();
    });
  }
};

void begin(const std::shared_ptr<Fetch>& fetch, const HttpTarget& target, Duration timeout) {
  net::ClientOptions options;
  options.endpoint.host = target.host;
  options.endpoint.port = target.port;
  options.connect_timeout = timeout;
  options.max_idle = 0;
  if (target.tls) {
    net::ClientTlsOptions tls;
    tls.skip_verification = true;
    auto context = net::TlsClientContext::create(tls);
    if (!context) return fetch->finish(std::unexpected(context.error()));
    options.endpoint.tls = *context;
  }
  net::ClientRequest request;
  request.target = target.path.starts_with('/') ? target.path : '/' + target.path;
  for (const auto& [name, value] : target.headers) request.headers.add(name, value);
  request.headers.set("connection", "close");
  fetch->timer = fetch->loop->schedule_after(timeout, [fetch] {
    fetch->finish(errors::timeout(
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)", 0));
  });
  fetch->client = net::HttpClient::create(*fetch->loop, std::move(options));
  net::Call::Events events;
  events.on_head = [fetch](const net::ResponseHead& head) { fetch->answer.status = head.status; };
  events.on_data = [fetch](std::string_view bytes) {
    fetch->answer.body += bytes.substr(0, kMaxBody - std::min(kMaxBody, fetch->answer.body.size()));
    if (fetch->answer.body.size() >= kMaxBody) fetch->finish(std::move(fetch->answer));
  };
  events.on_done = [fetch](Result<void> result) {
    if (result || fetch->answer.status != 0)
      fetch->finish(std::move(fetch->answer));
    else
      fetch->finish(std::unexpected(std::move(result.error())));
  };
  fetch->call = fetch->client->send(std::move(request), std::move(events));
}

struct Attempt {
  std::unique_ptr<net::PendingConnect> pending;
};

}  // namespace

void HttpFetcher::get(HttpTarget target, Duration timeout,
                      std::function<void(Result<HttpAnswer>)> done) {
  auto fetch = std::make_shared<Fetch>();
  fetch->loop = &loop_;
  fetch->done = std::move(done);
  loop_.post([fetch, target = std::move(target), timeout] { begin(fetch, target, timeout); });
}

void HttpFetcher::connect(std::string host, int port, Duration timeout,
                          std::function<void(Result<void>)> done) {
  loop_.post([this, host = std::move(host), port, timeout, done = std::move(done)] {
    net::Endpoint endpoint;
    endpoint.host = host;
    endpoint.port = port;
    auto attempt = std::make_shared<Attempt>();
    attempt->pending =
        net::connect_stream(loop_, std::move(endpoint), timeout,
                            [this, attempt, done](Result<std::unique_ptr<net::Stream>> stream) {
                              loop_.post([attempt] { attempt->pending.reset(); });
                              if (stream)
                                done({});
                              else
                                done(std::unexpected(std::move(stream.error())));
                            });
  });
}

Result<HttpAnswer> HttpFetcher::get_blocking(HttpTarget target, Duration timeout,
                                             StopSignal& stopping) {
  auto promise = std::make_shared<std::promise<Result<HttpAnswer>>>();
  auto future = promise->get_future();
  get(std::move(target), timeout,
      [promise](Result<HttpAnswer> answer) { promise->set_value(std::move(answer)); });
  while (future.wait_for(kStopCheck) != std::future_status::ready) {
    if (stopping.given()) return errors::unavailable("the node agent is stopping");
  }
  return future.get();
}

Result<int> resolve_port(const api::IntOrString& port, const core::Container& container) {
  if (!port.is_string) return port.int_value;
  for (const auto& each : container.ports) {
    if (each.name == port.string_value) return each.container_port;
  }
  if (const auto number = parse_int(port.string_value); number && *number > 0 && *number < 65536) {
    return static_cast<int>(*number);
  }
  return errors::bad_request("couldn't find port: " + port.string_value + " in container " +
                             container.name);
}

Result<HttpTarget> http_target(const core::HTTPGetAction& action, const core::Container& container,
                               const std::string& pod_ip, std::string_view user_agent) {
  auto port = resolve_port(action.port, container);
  if (!port) return std::unexpected(std::move(port.error()));
  HttpTarget out;
  out.host = action.host.empty() ? pod_ip : action.host;
  out.port = *port;
  out.tls = action.scheme == "HTTPS";
  out.path = action.path;
  bool has_agent = false, has_accept = false;
  for (const auto& header : action.http_headers) {
    out.headers.emplace_back(to_lower(header.name), header.value);
    has_agent = has_agent || equal_ignoring_case(header.name, "user-agent");
    has_accept = has_accept || equal_ignoring_case(header.name, "accept");
  }
  if (!has_agent) out.headers.emplace_back("user-agent", user_agent);
  if (!has_accept) out.headers.emplace_back("accept", "*/*");
  return out;
}

}  // namespace pinnace::kubelet
