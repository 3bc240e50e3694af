#include "kubelet/server/runtime_dial.h"

#include "io/loop.h"
#include "kubelet/server/channel_session.h"
#include "net/http_client.h"
#include "net/pipe.h"
#include "net/websocket.h"

namespace pinnace::kubelet {
namespace {

constexpr Duration kDialTimeout = std::chrono::seconds(30);
constexpr std::size_t kMaxRefusalBytes = 16 << 10;
constexpr std::string_view kVersion5 = "v5.channel.k8s.io", kVersion4 = "v4.channel.k8s.io";
constexpr std::string_view kTunnelled = "SPDY/3.1+portforward.k8s.io";

// How the client's connection becomes one that the runtime understands.
enum class Join {
  kAsItIs,    // Byte for byte.
  kChannels,  // WebSocket channels to SPDY streams.
  kTunnel,    // SPDY out of a WebSocket.
};

struct Plan {
  Join join = Join::kAsItIs;
  net::WebSocketHandshake handshake;  // Unless kAsItIs.
};

Plan plan_for(const net::Request& request, bool is_port_forward) {
  if (!net::is_websocket_request(request)) return {};
  const std::vector<std::string_view> ours =
      is_port_forward ? std::vector{kTunnelled} : std::vector{kVersion5, kVersion4};
  auto handshake = net::websocket_handshake(request, ours);
  if (!handshake || handshake->protocol.empty()) return {};
  return {is_port_forward ? Join::kTunnel : Join::kChannels, std::move(*handshake)};
}

bool is_of_upgrade(std::string_view name) {
  return name == "connection" || name == "upgrade" || name == "x-stream-protocol-version" ||
         name.starts_with("sec-websocket-");
}

net::Headers upgrade_headers(const net::Headers& from) {
  net::Headers out;
  for (const auto& [name, value] : from.all()) {
    if (is_of_upgrade(name)) out.add(name, value);
  }
  return out;
}

class Dial final : public std::enable_shared_from_this<Dial> {
 public:
  Dial(NodeCallRef call, cri::StreamOptions streams)
      : call_(std::move(call)),
        streams_(streams),
        plan_(plan_for(call_->request, !streams.in && !streams.out && !streams.err)) {}

  void start(const net::Url& url) {
    const auto self = shared_from_this();
    io::Loop& loop = call_->exchange->loop();
    net::ClientOptions options;
    options.endpoint.host = url.host;
    options.endpoint.port = url.port;
    options.max_idle = 0;
    client_ = net::HttpClient::create(loop, std::move(options));
    timer_ = loop.schedule_after(
        kDialTimeout, [self] { self->refuse(504, "the container runtime does not answer"); });
    call_->exchange->on_cancel([self] { self->finish(); });
    request_ = client_->send(
        make_request(url),
        {.on_head = [self](const net::ResponseHead& head) { self->status_ = head.status; },
         .on_data = [self](std::string_view bytes) { self->on_data(bytes); },
         .on_done = [self](Result<void> done) { self->on_done(done); },
         .on_upgrade =
             [self](const net::ResponseHead& head, std::unique_ptr<net::Stream> stream) {
               self->join(head, std::move(stream));
             }});
  }

 private:
  net::ClientRequest make_request(const net::Url& url) const {
    net::ClientRequest request;
    request.target = url.path;
    if (plan_.join == Join::kAsItIs) {
      request.method = call_->request.method;
      request.headers = upgrade_headers(call_->request.headers);
      return request;
    }
    request.method = "POST";
    request.headers.add("connection", "Upgrade");
    request.headers.add("upgrade", "SPDY/3.1");
    request.headers.add("x-stream-protocol-version",
                        plan_.join == Join::kTunnel ? "portforward.k8s.io" : kVersion4);
    return request;
  }

  void on_data(std::string_view bytes) {
    refusal_.append(
        bytes.substr(0, kMaxRefusalBytes - std::min(kMaxRefusalBytes, refusal_.size())));
  }

  void on_done(const Result<void>& done) {
    if (!done) return refuse(500, "error dialing backend: " + done.error().message);
    // An answer that is no refusal is none that we can pass on.
    refuse(status_ >= 400 ? status_ : 500, refusal_);
  }

  void join(const net::ResponseHead& head, std::unique_ptr<net::Stream> runtime) {
    const auto self = shared_from_this();
    const bool as_it_is = plan_.join == Join::kAsItIs;
    auto client = call_->exchange->upgrade(as_it_is ? upgrade_headers(head.headers)
                                                    : plan_.handshake.headers);
    finish();
    if (!client) return;
    if (as_it_is) return net::join_streams(std::move(client), std::move(runtime));
    auto socket = net::WebSocket::create(std::move(client));
    if (plan_.join == Join::kTunnel) {
      return net::join_streams(net::stream_over(std::move(socket)), std::move(runtime));
    }
    run_channels(std::move(socket),
                 net::SpdySession::create(std::move(runtime), net::SpdySession::Role::kClient),
                 streams_, plan_.handshake.protocol == kVersion5);
  }

  void refuse(int status, std::string text) {
    answer_text(*call_, status, std::move(text));
    finish();
  }

  // Lets go of what holds us, but not in the middle of its call.
  void finish() {
    io::Loop& loop = call_->exchange->loop();
    loop.cancel(timer_);
    loop.post([request = std::shared_ptr<net::Call>(std::move(request_)),
               client = std::shared_ptr<net::HttpClient>(std::move(client_))] {});
  }

  const NodeCallRef call_;
  const cri::StreamOptions streams_;
  const Plan plan_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<net::Call> request_;
  Executor::TimerId timer_ = 0;
  int status_ = 0;
  std::string refusal_;
};

}  // namespace

void dial_runtime(const NodeCallRef& call, const std::string& url, cri::StreamOptions streams) {
  const auto parsed = net::parse_url(url);
  if (!parsed || parsed->tls) {
    return answer_text(*call, 500, "the runtime's streaming address cannot be used");
  }
  std::make_shared<Dial>(call, streams)->start(*parsed);
}

}  // namespace pinnace::kubelet
