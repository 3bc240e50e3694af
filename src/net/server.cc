#include "net/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <future>
#include <unordered_set>

#include "base/log.h"
#include "io/fd.h"
#include "io/loop.h"
#include "net/internal/connection.h"

namespace pinnace::net {
namespace {

using namespace internal;  // NOLINT: the parts of the server are there.

constexpr Duration kSweepInterval = std::chrono::seconds(1);
constexpr Duration kAcceptPause = std::chrono::milliseconds(100);
constexpr int kAcceptsPerTurn = 64;

// Connections of the whole server, and who waits for them to end.
struct Census {
  std::atomic<std::size_t> total = 0;
  std::mutex mutex;
  std::condition_variable changed;

  void leave() {
    std::lock_guard lock(mutex);
    total.fetch_sub(1);
    changed.notify_all();
  }
};

class Worker;

// A connection whose TLS handshake is under way.
class Arrival final : public ChannelOwner {
 public:
  Arrival(Worker& worker, Peer peer) : worker_(worker), peer_(std::move(peer)) {}
  void on_connected() override;
  void on_readable() override {}
  void on_drained() override {}
  void on_broken() override;

  Worker& worker_;
  std::unique_ptr<Channel> channel_;
  Peer peer_;
  MonotonicTime deadline_;
};

class Worker final : public ConnectionHost {
 public:
  Worker(const ServerOptions& options, Census& census, std::shared_ptr<BodyRoom> body_room,
         int number)
      : options_(options),
        census_(census),
        body_room_(std::move(body_room)),
        thread_((std::string(options.thread_name).substr(0, 12) + "-" + std::to_string(number))
                    .c_str()) {
    std::promise<std::thread::id> id;
    loop().post([&id] { id.set_value(std::this_thread::get_id()); });
    handle_ = std::make_shared<LoopHandle>(loop(), id.get_future().get());
    loop().post([this] { sweep(); });
  }

  ~Worker() override {
    handle_->close();
    std::promise<void> done;
    loop().post([&] {
      cut_all();
      done.set_value();
    });
    done.get_future().get();
  }

  io::Loop& loop() { return thread_.loop(); }
  std::size_t load() const { return load_.load(std::memory_order_relaxed); }
  void reserve() { load_.fetch_add(1, std::memory_order_relaxed); }

  // On our loop.
  void adopt(io::UniqueFd fd, Peer peer) {
    auto arrival = std::make_unique<Arrival>(*this, std::move(peer));
    Ssl ssl;
    if (options_.tls) {
      ssl.reset(SSL_new(server_context(*options_.tls).get()));
      SSL_set_accept_state(ssl.get());
    }
    arrival->channel_ = std::make_unique<Channel>(loop(), std::move(fd), std::move(ssl), *arrival);
    Channel* channel = arrival->channel_.get();
    channels_.insert(channel);
    channel->on_destroyed = [this, channel] {
      channels_.erase(channel);
      load_.fetch_sub(1, std::memory_order_relaxed);
      census_.leave();
    };
    arrival->deadline_ = loop().clock().monotonic() + options_.handshake_timeout;
    channel->start(false);
    arrivals_.insert(arrival.release());
  }

  void promote(Arrival& arrival) {
    std::unique_ptr<Arrival> owned(&arrival);
    arrivals_.erase(&arrival);
    if (SSL* ssl = arrival.channel_->ssl()) describe_peer(ssl, arrival.peer_);
    bool http2 = arrival.channel_->is_http2();
    auto make = http2 ? make_http2_connection : make_http1_connection;
    auto connection = make(*this, std::move(arrival.channel_), std::move(arrival.peer_));
    connections_.insert(connection);
    connection->start();
  }

  void give_up(Arrival& arrival) {
    arrivals_.erase(&arrival);
    delete &arrival;
  }

  void go_away() {
    stopping_ = true;
    auto connections = connections_;
    for (const auto& connection : connections) connection->go_away();
  }

  const ServerOptions& options() const override { return options_; }
  const std::shared_ptr<LoopHandle>& handle() const override { return handle_; }
  const std::shared_ptr<BodyRoom>& body_room() const override { return body_room_; }
  bool stopping() const override { return stopping_; }
  void release(Connection& connection) override {
    connections_.erase(connection.shared_from_this());
  }

 private:
  void sweep() {
    MonotonicTime now = loop().clock().monotonic();
    std::vector<std::shared_ptr<Connection>> connections(connections_.begin(), connections_.end());
    for (const auto& connection : connections) connection->check_deadlines(now);
    std::vector<Arrival*> late;
    for (Arrival* arrival : arrivals_)
      if (now > arrival->deadline_) late.push_back(arrival);
    for (Arrival* arrival : late) give_up(*arrival);
    loop().schedule_after(kSweepInterval, [this] { sweep(); });
  }

  void cut_all() {
    stopping_ = true;
    auto connections = connections_;
    for (const auto& connection : connections) connection->cut();
    auto arrivals = arrivals_;
    for (Arrival* arrival : arrivals) give_up(*arrival);
    // What is left belongs to upgraded streams, whose owners may outlive the loop.
    while (!channels_.empty()) {
      Channel* channel = *channels_.begin();
      channels_.erase(channel);
      channel->on_destroyed = nullptr;
      load_.fetch_sub(1, std::memory_order_relaxed);
      census_.leave();
      channel->detach();
    }
  }

  const ServerOptions& options_;
  Census& census_;
  const std::shared_ptr<BodyRoom> body_room_;
  std::atomic<std::size_t> load_ = 0;
  std::shared_ptr<LoopHandle> handle_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::unordered_set<Arrival*> arrivals_;
  std::unordered_set<Channel*> channels_;
  bool stopping_ = false;
  io::LoopThread thread_;  // Last: joined before the rest goes.
};

void Arrival::on_connected() { worker_.promote(*this); }
void Arrival::on_broken() { worker_.give_up(*this); }

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> parse_address(const ServerOptions& options) {
  Address address;
  if (!options.unix_path.empty()) {
    auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
    un->sun_family = AF_UNIX;
    if (options.unix_path.size() >= sizeof un->sun_path)
      return errors::bad_request("socket path is too long: " + options.unix_path);
    options.unix_path.copy(un->sun_path, options.unix_path.size());
    address.size = sizeof *un;
    return address;
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, options.address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<std::uint16_t>(options.port));
    address.size = sizeof *v4;
  } else if (inet_pton(AF_INET6, options.address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<std::uint16_t>(options.port));
    address.size = sizeof *v6;
  } else {
    return errors::bad_request("not an IP address to listen on: " + options.address);
  }
  return address;
}

int port_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  if (storage.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
  return 0;
}

Peer peer_of(const sockaddr_storage& storage) {
  Peer peer;
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof text);
  } else if (storage.ss_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
      inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof text);
    else
      inet_ntop(AF_INET6, &v6, text, sizeof text);
  }
  peer.address = text;
  peer.port = port_of(storage);
  return peer;
}

void prepare_socket(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A peer that vanished under a silent watch is found out in about a minute and a half.
  int idle = 30, interval = 15, count = 4;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

Result<io::UniqueFd> listen_on(const ServerOptions& options, int& port) {
  auto address = parse_address(options);
  if (!address) return std::unexpected(address.error());
  std::string shown = options.unix_path.empty()
                          ? options.address + " port " + std::to_string(options.port)
                          : options.unix_path;
  io::UniqueFd fd(
      socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return errors::system("socket", errno);
  int on = 1, off = 0;
  if (options.unix_path.empty()) {
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->storage.ss_family == AF_INET6)
      setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  } else {
    // Stale if nobody answers there.
    io::UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(probe.get(), reinterpret_cast<sockaddr*>(&address->storage), address->size) != 0 &&
        errno == ECONNREFUSED)
      unlink(options.unix_path.c_str());
  }
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address->storage), address->size) != 0)
    return errors::system("listen on " + shown, errno);
  if (listen(fd.get(), 4096) != 0) return errors::system("listen on " + shown, errno);
  Address bound;
  bound.size = sizeof bound.storage;
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
  port = port_of(bound.storage);
  return fd;
}

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, io::UniqueFd listener, int port)
      : options_(std::move(options)), listener_(std::move(listener)), port_(port) {
    const auto body_room = std::make_shared<BodyRoom>(options_.max_bodies_bytes);
    for (int i = 0; i < std::max(options_.threads, 1); ++i)
      workers_.push_back(std::make_unique<Worker>(options_, census_, body_room, i));
    on_first_loop([this] { listen_now(); });
  }

  ~ServerImpl() override { stop(Duration::zero()); }

  int port() const override { return port_; }
  std::size_t connections() const override { return census_.total.load(); }

  void stop(Duration grace) override {
    if (workers_.empty()) return;
    on_first_loop([this] {
      first_loop().cancel(resume_);
      if (listening_) first_loop().remove_fd(listener_.get());
      listening_ = false;
      listener_.reset();
    });
    if (!options_.unix_path.empty()) unlink(options_.unix_path.c_str());
    if (grace > Duration::zero()) {
      for (auto& worker : workers_) worker->loop().post([&worker] { worker->go_away(); });
      std::unique_lock lock(census_.mutex);
      census_.changed.wait_for(lock, grace, [this] { return census_.total.load() == 0; });
    }
    workers_.clear();
  }

 private:
  io::Loop& first_loop() { return workers_.front()->loop(); }

  void on_first_loop(const std::function<void()>& work) {
    std::promise<void> done;
    first_loop().post([&] {
      work();
      done.set_value();
    });
    done.get_future().get();
  }

  void listen_now() {
    first_loop().add_fd(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept_some(); });
    listening_ = true;
  }

  void accept_some() {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      sockaddr_storage storage{};
      socklen_t size = sizeof storage;
      io::UniqueFd fd(accept4(listener_.get(), reinterpret_cast<sockaddr*>(&storage), &size,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd.valid()) {
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EAGAIN) pause_accepting(errno);
        return;
      }
      if (census_.total.load() >= options_.max_connections) {
        warn_sometimes("too many connections, closing new ones",
                       static_cast<int>(options_.max_connections));
        continue;
      }
      place(std::move(fd), peer_of(storage));
    }
  }

  // The thread with the fewest connections gets it.
  void place(io::UniqueFd fd, Peer peer) {
    if (!peer.address.empty()) prepare_socket(fd.get());
    census_.total.fetch_add(1);
    Worker* target = workers_.front().get();
    for (auto& worker : workers_)
      if (worker->load() < target->load()) target = worker.get();
    target->reserve();
    auto shared = std::make_shared<io::UniqueFd>(std::move(fd));
    target->loop().post([target, shared, peer = std::move(peer)]() mutable {
      target->adopt(std::move(*shared), std::move(peer));
    });
  }

  // No descriptors left: the waiting connections would make the loop spin.
  void pause_accepting(int error_number) {
    warn_sometimes("cannot accept connections", error_number);
    first_loop().remove_fd(listener_.get());
    listening_ = false;
    resume_ = first_loop().schedule_after(kAcceptPause, [this] { listen_now(); });
  }

  void warn_sometimes(std::string_view what, int number) {
    MonotonicTime now = first_loop().clock().monotonic();
    if (warned_.nanoseconds != 0 && now - warned_ < std::chrono::seconds(10)) return;
    warned_ = now;
    log::warning(what, {{"port", port_}, {"number", number}});
  }

  const ServerOptions options_;
  io::UniqueFd listener_;
  const int port_;
  Census census_;
  std::vector<std::unique_ptr<Worker>> workers_;
  bool listening_ = false;
  Executor::TimerId resume_ = 0;
  MonotonicTime warned_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::create(ServerOptions options) {
  if (options.handler == nullptr) return errors::bad_request("a server needs a handler");
  int port = 0;
  auto listener = listen_on(options, port);
  if (!listener) return std::unexpected(listener.error());
  return std::make_unique<ServerImpl>(std::move(options), std::move(*listener), port);
}

}  // namespace pinnace::net
