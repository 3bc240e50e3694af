#include "net/internal/connector.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "io/loop.h"
#include "net/internal/exchange.h"

namespace pinnace::net::internal {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

class NoOwner final : public ChannelOwner {
 public:
  void on_connected() override {}
  void on_readable() override {}
  void on_drained() override {}
  void on_broken() override {}
};

NoOwner& no_owner() {
  static NoOwner owner;
  return owner;
}

Result<std::vector<Address>> resolve(const std::string& host, int port, int flags) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) return errors::unavailable("look up " + host + ": " + gai_strerror(failed));
  std::vector<Address> addresses;
  for (addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    Address& address = addresses.emplace_back();
    address.size = entry->ai_addrlen;
    std::copy_n(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen,
                reinterpret_cast<char*>(&address.storage));
  }
  freeaddrinfo(found);
  return addresses;
}

Result<std::vector<Address>> unix_address(const std::string& path) {
  Address address;
  auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
  un->sun_family = AF_UNIX;
  if (path.size() >= sizeof un->sun_path)
    return errors::bad_request("socket path is too long: " + path);
  path.copy(un->sun_path, path.size());
  address.size = sizeof *un;
  return std::vector{address};
}

class ConnectorImpl final : public Connector,
                            public ChannelOwner,
                            public std::enable_shared_from_this<ConnectorImpl> {
 public:
  ConnectorImpl(io::Loop& loop, const Endpoint& endpoint, Connected done)
      : loop_(loop), endpoint_(endpoint), done_(std::move(done)) {}
  ~ConnectorImpl() override {
    loop_.cancel(timer_);
    if (handle_) handle_->close();
  }

  void start(Duration timeout) {
    timer_ = loop_.schedule_after(timeout, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->finish(errors::unavailable(self->what() + ": timed out"));
    });
    loop_.post([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->look_up();
    });
  }

  void give_up() {
    done_ = nullptr;
    channel_.reset();
    loop_.cancel(timer_);
  }

  void on_connected() override {
    channel_->set_owner(no_owner());
    finish(std::move(channel_));
  }
  void on_readable() override {}
  void on_drained() override {}
  void on_broken() override {
    auto self = shared_from_this();
    last_error_ = channel_->error();
    channel_.reset();
    try_next();
  }

 private:
  std::string what() const {
    if (!endpoint_.unix_path.empty()) return "connect to " + endpoint_.unix_path;
    return "connect to " + endpoint_.host + " port " + std::to_string(endpoint_.port);
  }

  void look_up() {
    if (!endpoint_.unix_path.empty()) return use(unix_address(endpoint_.unix_path));
    auto numeric = resolve(endpoint_.host, endpoint_.port, AI_NUMERICHOST);
    if (numeric) return use(std::move(numeric));
    // getaddrinfo blocks, so it has a thread of its own, which may outlive us and then tells
    // nobody.
    handle_ = std::make_shared<LoopHandle>(loop_, std::thread::id());
    std::thread([handle = handle_, host = endpoint_.host, port = endpoint_.port,
                 weak = weak_from_this()] {
      auto result =
          std::make_shared<Result<std::vector<Address>>>(resolve(host, port, AI_ADDRCONFIG));
      handle->post([weak, result] {
        if (auto self = weak.lock()) self->use(std::move(*result));
      });
    }).detach();
  }

  void use(Result<std::vector<Address>> addresses) {
    if (!done_) return;
    if (!addresses) return finish(std::unexpected(addresses.error()));
    addresses_ = std::move(*addresses);
    try_next();
  }

  void try_next() {
    while (done_ && next_ < addresses_.size()) {
      if (try_one(addresses_[next_++])) return;
    }
    finish(errors::unavailable(what() + ": " + last_error_));
  }

  bool try_one(const Address& address) {
    io::UniqueFd fd(
        socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (address.storage.ss_family != AF_UNIX) {
      int on = 1;
      setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    int failed =
        connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size);
    if (failed != 0 && errno != EINPROGRESS) {
      last_error_ = errors::system("connect", errno).error().message;
      return false;
    }
    channel_ = std::make_unique<Channel>(loop_, std::move(fd), make_ssl(), *this);
    channel_->start(true);
    return true;
  }

  Ssl make_ssl() {
    if (!endpoint_.tls) return nullptr;
    const ClientContext context = client_context(*endpoint_.tls);
    Ssl ssl(SSL_new(context.context.get()));
    SSL_set_connect_state(ssl.get());
    const std::string& name = context.server_name.empty() ? endpoint_.host : context.server_name;
    unsigned char parsed[16];
    bool is_address = inet_pton(AF_INET, name.c_str(), parsed) == 1 ||
                      inet_pton(AF_INET6, name.c_str(), parsed) == 1;
    if (!is_address) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    if (!context.skip_verification) {
      X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl.get());
      if (is_address)
        X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str());
      else
        X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), name.size());
    }
    return ssl;
  }

  void finish(Result<std::unique_ptr<Channel>> result) {
    auto self = shared_from_this();
    loop_.cancel(timer_);
    channel_.reset();
    if (auto done = std::exchange(done_, nullptr)) done(std::move(result));
  }

  io::Loop& loop_;
  const Endpoint endpoint_;
  Connected done_;
  Executor::TimerId timer_ = 0;
  std::vector<Address> addresses_;
  std::size_t next_ = 0;
  std::string last_error_ = "no address";
  std::unique_ptr<Channel> channel_;
  std::shared_ptr<LoopHandle> handle_;
};

class Handle final : public Connector {
 public:
  explicit Handle(std::shared_ptr<ConnectorImpl> impl) : impl_(std::move(impl)) {}
  ~Handle() override { impl_->give_up(); }

 private:
  std::shared_ptr<ConnectorImpl> impl_;
};

}  // namespace

std::unique_ptr<Connector> start_connecting(io::Loop& loop, const Endpoint& endpoint,
                                            Duration timeout, Connected done) {
  auto impl = std::make_shared<ConnectorImpl>(loop, endpoint, std::move(done));
  impl->start(timeout);
  return std::make_unique<Handle>(std::move(impl));
}

}  // namespace pinnace::net::internal
