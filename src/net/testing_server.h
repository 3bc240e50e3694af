// Parts that the tests of this folder share: a handler with a few paths, raw sockets, certificates.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/strings.h"
#include "io/fd.h"
#include "io/files.h"
#include "net/server.h"
#include "net/x509.h"

namespace pinnace::net::testing {

// Gives `size` bytes of a repeating pattern, in pieces, waiting between them if asked.
class PatternBody : public Body {
 public:
  explicit PatternBody(std::size_t size) : left_(size) {}
  Read read(std::span<char> buffer) override {
    std::size_t n = std::min(buffer.size(), left_);
    for (std::size_t i = 0; i < n; ++i) buffer[i] = static_cast<char>('a' + (at_ + i) % 26);
    at_ += n;
    left_ -= n;
    return {n, left_ == 0 ? State::kEnd : State::kMore};
  }

 private:
  std::size_t left_, at_ = 0;
};

// Lines that a test pushes in while the peer reads: a watch.
struct Feed {
  std::mutex mutex;
  std::string pending;
  bool ended = false, failed = false;
  std::shared_ptr<Exchange> exchange;
  std::promise<void> opened, gone;

  void push(std::string_view bytes, bool end = false, bool fail = false) {
    std::shared_ptr<Exchange> target;
    {
      std::lock_guard lock(mutex);
      pending.append(bytes);
      ended = end;
      failed = fail;
      target = exchange;
    }
    target->wake();
  }
};

class FeedBody : public Body {
 public:
  explicit FeedBody(std::shared_ptr<Feed> feed) : feed_(std::move(feed)) {}
  ~FeedBody() override { feed_->gone.set_value(); }
  Read read(std::span<char> buffer) override {
    std::lock_guard lock(feed_->mutex);
    std::size_t n = feed_->pending.copy(buffer.data(), buffer.size());
    feed_->pending.erase(0, n);
    if (!feed_->pending.empty()) return {n, State::kMore};
    if (feed_->failed) return {n, State::kFailed};
    return {n, feed_->ended ? State::kEnd : State::kWaiting};
  }

 private:
  std::shared_ptr<Feed> feed_;
};

class TestHandler : public Handler {
 public:
  // What a GET of the path gets. While the server runs, too.
  std::shared_ptr<Feed> add_feed(const std::string& path) {
    const std::lock_guard lock(feeds_mutex_);
    return feeds_[path] = std::make_shared<Feed>();
  }
  std::shared_ptr<Exchange> held;
  std::promise<void> holding, cancelled;
  std::unique_ptr<Stream> upgraded;

  void handle(Request request, std::shared_ptr<Exchange> exchange) override {
    Headers headers;
    headers.add("content-type", "text/plain");
    const std::string& path = request.path;
    if (path == "/hello") return exchange->respond(200, headers, std::string("hello"));
    if (path == "/goodbye") {
      headers.add("connection", "close");
      return exchange->respond(200, headers, std::string("goodbye"));
    }
    if (path == "/echo") return exchange->respond(200, headers, std::move(request.body));
    if (path == "/who")
      return exchange->respond(200, headers,
                               request.peer.certificate_common_name + "|" +
                                   join(request.peer.certificate_organizations, ",") + "|" +
                                   request.peer.certificate_error);
    if (path == "/head")
      return exchange->respond(
          200, headers,
          request.method + " " + request.target + " " + std::string(request.headers.get("x-a")));
    if (path == "/large") return exchange->respond(200, headers, std::string(20 << 20, 'x'));
    if (path == "/stream")
      return exchange->stream(200, headers,
                              std::make_unique<PatternBody>(*parse_uint(request.query)));
    if (path == "/thread") {
      std::thread([exchange, headers] {
        exchange->respond(200, headers, std::string("late"));
      }).detach();
      return;
    }
    if (path == "/drop") return;
    if (path == "/hold") {
      exchange->on_cancel([this] { cancelled.set_value(); });
      held = std::move(exchange);
      return holding.set_value();
    }
    if (path == "/upgrade") return upgrade(*exchange);
    if (const auto feed = find_feed(path)) {
      feed->exchange = exchange;
      exchange->stream(200, headers, std::make_unique<FeedBody>(feed));
      return feed->opened.set_value();
    }
    exchange->respond(404, headers, std::string("no such path"));
  }

 private:
  std::shared_ptr<Feed> find_feed(const std::string& path) {
    const std::lock_guard lock(feeds_mutex_);
    const auto found = feeds_.find(path);
    return found == feeds_.end() ? nullptr : found->second;
  }
  // An echo that ends when the peer does.
  void upgrade(Exchange& exchange) {
    Headers headers;
    headers.add("upgrade", "echo");
    upgraded = exchange.upgrade(headers);
    if (!upgraded) return;
    Stream* stream = upgraded.get();
    upgraded->start({.on_data = [stream](std::string_view bytes) { stream->write(bytes); },
                     .on_end = [stream] { stream->end(); },
                     .on_drained = {},
                     .on_closed = {}});
  }

  std::mutex feeds_mutex_;
  std::map<std::string, std::shared_ptr<Feed>> feeds_;
};

// A blocking connection to a port of this machine.
class RawClient {
 public:
  explicit RawClient(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval limit{20, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // Reads until the text is there or the connection ends; all that came so far.
  const std::string& read_until(std::string_view text) {
    while (got.find(text) == std::string::npos && read_some()) {
    }
    return got;
  }
  const std::string& read_all() {
    while (read_some()) {
    }
    return got;
  }
  void end() { shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  int fd() const { return fd_.get(); }
  std::string got;
  bool reset = false;

 private:
  bool read_some() {
    char buffer[65536];
    ssize_t n = recv(fd_.get(), buffer, sizeof buffer, 0);
    reset = n < 0;
    if (n > 0) got.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }
  io::UniqueFd fd_;
};

struct TestCertificates {
  CertificateAndKey authority, server, client, stranger;
};

inline const TestCertificates& test_certificates() {
  static const TestCertificates made = [] {
    WallTime now = real_clock().wall();
    auto from = now - std::chrono::hours(1), to = now + std::chrono::hours(1);
    TestCertificates all;
    all.authority = make_authority("test-ca", from, to).value();
    CertificateSpec spec{.common_name = "server",
                         .organizations = {},
                         .dns_names = {"localhost"},
                         .ip_addresses = {"127.0.0.1"},
                         .server = true,
                         .client = false,
                         .not_before = from,
                         .not_after = to};
    all.server = issue_certificate(all.authority, spec).value();
    CertificateSpec client{.common_name = "alice",
                           .organizations = {"a", "b"},
                           .dns_names = {},
                           .ip_addresses = {},
                           .server = false,
                           .client = true,
                           .not_before = from,
                           .not_after = to};
    all.client = issue_certificate(all.authority, client).value();
    auto other = make_authority("other-ca", from, to).value();
    all.stranger = issue_certificate(other, client).value();
    return all;
  }();
  return made;
}

inline std::shared_ptr<TlsServerContext> test_tls() {
  const TestCertificates& certificates = test_certificates();
  return TlsServerContext::create({.certificate_pem = certificates.server.certificate_pem,
                                   .private_key_pem = certificates.server.private_key_pem,
                                   .client_ca_pem = certificates.authority.certificate_pem,
                                   .http2 = true})
      .value();
}

inline std::unique_ptr<Server> start_server(TestHandler& handler, bool tls = false,
                                            std::function<void(ServerOptions&)> change = {}) {
  ServerOptions options;
  options.handler = &handler;
  if (tls) options.tls = test_tls();
  if (change) change(options);
  auto server = Server::create(std::move(options));
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

}  // namespace pinnace::net::testing
