#include "apiserver/proxy/forward.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "io/loop.h"
#include "net/pipe.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxWaitingBytes = 64 << 10;
constexpr std::size_t kMaxRefusalBytes = 50'000;

constexpr std::array<std::string_view, 8> kHopByHop = {"keep-alive",
                                                       "proxy-authenticate",
                                                       "proxy-authorization",
                                                       "proxy-connection",
                                                       "te",
                                                       "trailer",
                                                       "transfer-encoding",
                                                       "host"};

bool asks_for_upgrade(const net::Request& request) {
  return request.headers.has_token("connection", "upgrade") && request.headers.has("upgrade");
}

// What a kubelet's refusal becomes for a client that expects a Status.
Error refusal_error(const Call& call, int status, const std::string& text) {
  if (status == 400) return errors::bad_request(text).error();
  if (status == 500) return errors::internal("Internal error occurred: " + text).error();
  Error error = errors::not_found("pods", call.info.name).error();
  if (status == 404) {
    error.message =
        "the server could not find the requested resource ( pods/log " + call.info.name + ")";
    return error;
  }
  error.code = status >= 400 ? status : 500;
  error.reason = status == 422   ? "Invalid"
                 : status == 401 ? "Unauthorized"
                 : status == 403 ? "Forbidden"
                 : status == 503 ? "ServiceUnavailable"
                                 : "";
  error.message = text.empty() ? "the server responded with the status code " +
                                     std::to_string(status) + " but did not return more information"
                               : text;
  return error;
}

class Forward final : public std::enable_shared_from_this<Forward> {
 public:
  Forward(CallRef call, Forwarding to) : call_(std::move(call)), to_(std::move(to)) {}

  void start() {
    const auto self = shared_from_this();
    net::ClientOptions options;
    options.endpoint = to_.endpoint;
    options.max_idle = 0;
    client_ = net::HttpClient::create(call_->exchange->loop(), std::move(options));
    net::ClientRequest request;
    request.method = call_->request.method;
    request.target = to_.target;
    request.headers = forwarded_headers(call_->request.headers, asks_for_upgrade(call_->request));
    for (const auto& [name, value] : to_.headers.all()) request.headers.add(name, value);
    request.headers.add("x-forwarded-for", call_->request.peer.address);
    request.headers.set("x-forwarded-uri", call_->request.path);
    request.body = std::move(call_->request.body);
    call_->exchange->on_cancel([self] { self->drop(); });
    call_->on_late = [weak = weak_from_this()] {
      if (const auto late = weak.lock()) late->drop();
    };
    request_ = client_->send(
        std::move(request),
        {.on_head = [self](const net::ResponseHead& head) { self->on_head(head); },
         .on_data = [self](std::string_view bytes) { self->on_data(bytes); },
         .on_done = [self](Result<void> done) { self->on_done(done); },
         .on_upgrade =
             [self](const net::ResponseHead& head, std::unique_ptr<net::Stream> stream) {
               self->join(head, std::move(stream));
             }});
  }

  // For the answer's Body.
  net::Body::Read read(std::span<char> buffer) {
    if (call_->is_late()) return {0, net::Body::State::kFailed};
    const std::size_t bytes = waiting_.copy(buffer.data(), buffer.size(), taken_);
    taken_ += bytes;
    if (taken_ < waiting_.size()) return {bytes, net::Body::State::kMore};
    waiting_.clear();
    taken_ = 0;
    if (ended_) return {bytes, net::Body::State::kEnd};
    if (failed_) return {bytes, net::Body::State::kFailed};
    if (std::exchange(paused_, false) && request_) request_->pause_reading(false);
    return {bytes, net::Body::State::kWaiting};
  }

  // The client has gone, or has all. Lets go of what holds us, but not in the middle of its call.
  void drop() {
    call_->exchange->loop().post(
        [request = std::shared_ptr<net::Call>(std::move(request_)),
         client = std::shared_ptr<net::HttpClient>(std::move(client_))] {});
  }

 private:
  class AnswerBody final : public net::Body {
   public:
    explicit AnswerBody(std::shared_ptr<Forward> forward) : forward_(std::move(forward)) {}
    ~AnswerBody() override { forward_->drop(); }
    Read read(std::span<char> buffer) override { return forward_->read(buffer); }

   private:
    const std::shared_ptr<Forward> forward_;
  };

  void on_head(const net::ResponseHead& head) {
    status_ = head.status;
    const bool is_good = head.status >= 200 && head.status <= 206;
    if (to_.upstream == Upstream::kKubeletLog && !is_good) return;
    answered_ = true;
    auto headers = forwarded_headers(head.headers, false);
    call_->turn.add_headers(headers);
    auto body = std::make_unique<AnswerBody>(shared_from_this());
    if (call_->claim()) {
      call_->exchange->stream(head.status, std::move(headers), std::move(body));
    }
    call_->started(head.status);
  }

  void on_data(std::string_view bytes) {
    if (!answered_) {
      const std::size_t room = kMaxRefusalBytes - std::min(kMaxRefusalBytes, waiting_.size());
      waiting_.append(bytes.substr(0, room));
      return;
    }
    waiting_.append(bytes);
    if (waiting_.size() - taken_ > kMaxWaitingBytes && request_) {
      paused_ = true;
      request_->pause_reading(true);
    }
    call_->exchange->wake();
  }

  void on_done(const Result<void>& done) {
    if (answered_) {
      ended_ = done.has_value();
      failed_ = !done;
      return call_->exchange->wake();
    }
    answer_error(*call_,
                 done ? refusal_error(*call_, status_, waiting_) : unreachable(done.error()));
    drop();
  }

  Error unreachable(const Error& why) const {
    if (to_.upstream == Upstream::kService) {
      return errors::unavailable("error trying to reach service: " + why.message).error();
    }
    return errors::internal("error dialing backend: " + why.message).error();
  }

  void join(const net::ResponseHead& head, std::unique_ptr<net::Stream> upstream) {
    std::unique_ptr<net::Stream> client;
    if (call_->claim()) {
      client = call_->exchange->upgrade(forwarded_headers(head.headers, true));
    }
    call_->finished(101);
    drop();
    if (client) net::join_streams(std::move(client), std::move(upstream));
  }

  const CallRef call_;
  const Forwarding to_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<net::Call> request_;
  int status_ = 0;
  std::string waiting_;  // Of the answer; or a refusal's text.
  std::size_t taken_ = 0;
  bool answered_ = false, paused_ = false, ended_ = false, failed_ = false;
};

}  // namespace

net::Headers forwarded_headers(const net::Headers& from, bool upgrades) {
  net::Headers out;
  for (const auto& [name, value] : from.all()) {
    const bool is_of_upgrade = name == "connection" || name == "upgrade";
    // Who the client is to us is not for others to hear, nor for the client to say.
    const bool is_credential = name == "authorization" || name.starts_with("impersonate-") ||
                               name.starts_with("x-remote-");
    const bool is_hop =
        std::ranges::find(kHopByHop, name) != kHopByHop.end() || from.has_token("connection", name);
    if (is_of_upgrade ? !upgrades : is_credential || is_hop) continue;
    out.add(name, value);
  }
  return out;
}

void forward(const CallRef& call, Forwarding to) {
  std::make_shared<Forward>(call, std::move(to))->start();
}

}  // namespace pinnace::apiserver
