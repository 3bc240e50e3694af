#include "kubeproxy/loopback.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <unordered_map>

#include "base/log.h"

namespace pinnace::kubeproxy {
namespace {

constexpr std::size_t kMaxConnections = 1024;
constexpr std::size_t kMaxUdpClients = 256;
constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr int kMaxDatagramsPerWake = 64;
constexpr Duration kUdpIdle = std::chrono::seconds(60);
constexpr io::Ipv4 kLoopbackAddress{0x7f000001};

bool would_block() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

// The TCP connections of all ports: two sockets each, and what was read from one for the other.
struct Loopback::Connections {
  struct Side {
    io::UniqueFd fd;
    std::string out;     // What is to be written here.
    bool ended = false;  // It sends no more.
    bool shut = false;   // We told it that we send no more.
    std::uint32_t events = 0;
  };
  struct Connection {
    std::array<Side, 2> sides;
    bool connected = false;  // sides[1], the far one, stands.
  };

  explicit Connections(io::Loop& l) : loop(l) {}
  ~Connections() {
    while (!all.empty()) close(all.begin()->first);
  }

  void open(io::UniqueFd near, io::InetAddress target) {
    if (all.size() >= kMaxConnections) return;
    auto far = io::tcp_connect(target);
    if (!far) return;
    const std::uint64_t key = ++last;
    auto& connection = all[key];
    connection.sides[0].fd = std::move(near);
    connection.sides[1].fd = std::move(*far);
    for (int side = 0; side < 2; ++side) {
      connection.sides[side].events = side == 0 ? 0 : static_cast<std::uint32_t>(EPOLLOUT);
      loop.add_fd(connection.sides[side].fd.get(), connection.sides[side].events,
                  [this, key, side](std::uint32_t events) { on_ready(key, side, events); });
    }
  }

  void close(std::uint64_t key) {
    const auto node = all.extract(key);
    if (node.empty()) return;
    for (auto& side : node.mapped().sides) loop.remove_fd(side.fd.get());
  }

  void on_ready(std::uint64_t key, int side, std::uint32_t events) {
    const auto found = all.find(key);
    if (found == all.end()) return;
    Connection& connection = found->second;
    if (side == 1 && !connection.connected) {
      if (io::connect_error(connection.sides[1].fd.get()) != 0) return close(key);
      connection.connected = true;
    }
    Side& here = connection.sides[side];
    Side& there = connection.sides[1 - side];
    if ((events & EPOLLERR) != 0 || !write(here)) return close(key);
    if ((events & (EPOLLIN | EPOLLHUP)) != 0 && !read(here, there)) return close(key);
    for (auto* s : {&here, &there}) {
      Side& other = s == &here ? there : here;
      if (other.ended && s->out.empty() && !s->shut) {
        s->shut = true;
        shutdown(s->fd.get(), SHUT_WR);
      }
    }
    if (here.shut && there.shut) return close(key);
    // Hung up for good while the other side is slow: the kernel would tell us without end.
    if ((events & EPOLLHUP) != 0 && here.ended) loop.remove_fd(here.fd.get());
    for (int i = 0; i < 2; ++i) want(connection.sides[i], connection.sides[1 - i]);
  }

  // Reads as long as the other side's buffer has room.
  static bool read(Side& from, Side& to) {
    if (from.ended || to.out.size() >= kBufferBytes) return true;
    char buffer[kBufferBytes];
    const ssize_t got = recv(from.fd.get(), buffer, sizeof buffer - to.out.size(), 0);
    if (got < 0) return would_block();
    if (got == 0) from.ended = true;
    to.out.append(buffer, static_cast<std::size_t>(got));
    return write(to);
  }

  static bool write(Side& to) {
    if (to.out.empty()) return true;
    const ssize_t sent = send(to.fd.get(), to.out.data(), to.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return would_block();
    to.out.erase(0, static_cast<std::size_t>(sent));
    return true;
  }

  void want(Side& side, const Side& other) {
    std::uint32_t events = 0;
    if (!side.ended && other.out.size() < kBufferBytes) events |= EPOLLIN;
    if (!side.out.empty()) events |= EPOLLOUT;
    if (events == side.events) return;
    side.events = events;
    loop.modify_fd(side.fd.get(), events);
  }

  io::Loop& loop;
  std::uint64_t last = 0;
  std::unordered_map<std::uint64_t, Connection> all;
};

struct Loopback::TcpPort {
  TcpPort(io::Loop& l, Connections& c, io::UniqueFd f, io::InetAddress t)
      : loop(l), connections(c), fd(std::move(f)), target(t) {
    loop.add_fd(fd.get(), EPOLLIN, [this](std::uint32_t) {
      while (true) {
        io::UniqueFd near(accept4(fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!near.valid()) return;
        connections.open(std::move(near), target);
      }
    });
  }
  ~TcpPort() { loop.remove_fd(fd.get()); }

  io::Loop& loop;
  Connections& connections;
  io::UniqueFd fd;
  io::InetAddress target;
};

struct Loopback::UdpPort {
  struct Client {
    io::UniqueFd fd;  // Connected to the target.
    Executor::TimerId idle = 0;
  };
  using Key = std::pair<std::uint32_t, std::uint16_t>;  // the client's address as it came

  UdpPort(io::Loop& l, io::UniqueFd f, io::InetAddress t) : loop(l), fd(std::move(f)), target(t) {
    loop.add_fd(fd.get(), EPOLLIN, [this](std::uint32_t) { from_clients(); });
  }
  ~UdpPort() {
    loop.remove_fd(fd.get());
    while (!clients.empty()) forget(clients.begin()->first);
  }

  void from_clients() {
    char buffer[65535];
    for (int i = 0; i < kMaxDatagramsPerWake; ++i) {
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      const ssize_t got =
          recvfrom(fd.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &size);
      if (got < 0) return;
      const Key key{peer.sin_addr.s_addr, peer.sin_port};
      if (!clients.contains(key) && !add(key)) continue;
      Client& client = clients[key];
      touch(key, client);
      send(client.fd.get(), buffer, static_cast<std::size_t>(got), 0);
    }
  }

  bool add(const Key& key) {
    if (clients.size() >= kMaxUdpClients) return false;
    auto far = io::udp_connect(target);
    if (!far) return false;
    loop.add_fd(far->get(), EPOLLIN, [this, key](std::uint32_t) { from_target(key); });
    clients[key].fd = std::move(*far);
    return true;
  }

  void from_target(const Key& key) {
    const auto found = clients.find(key);
    if (found == clients.end()) return;
    char buffer[65535];
    const ssize_t got = recv(found->second.fd.get(), buffer, sizeof buffer, 0);
    if (got < 0) {
      if (!would_block()) forget(key);
      return;
    }
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_addr.s_addr = key.first;
    peer.sin_port = key.second;
    sendto(fd.get(), buffer, static_cast<std::size_t>(got), 0,
           reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
    touch(key, found->second);
  }

  void touch(const Key& key, Client& client) {
    if (client.idle != 0) loop.cancel(client.idle);
    client.idle = loop.schedule_after(kUdpIdle, [this, key] { forget(key); });
  }

  void forget(const Key& key) {
    const auto node = clients.extract(key);
    if (node.empty()) return;
    if (node.mapped().idle != 0) loop.cancel(node.mapped().idle);
    loop.remove_fd(node.mapped().fd.get());
  }

  io::Loop& loop;
  io::UniqueFd fd;
  io::InetAddress target;
  std::map<Key, Client> clients;
};

Loopback::Loopback(io::Loop& loop)
    : loop_(loop), connections_(std::make_unique<Connections>(loop)) {}
Loopback::~Loopback() = default;

void Loopback::set(const std::map<LocalPort, io::InetAddress>& ports) {
  std::erase_if(tcp_, [&](const auto& port) { return !ports.contains({"tcp", port.first}); });
  std::erase_if(udp_, [&](const auto& port) { return !ports.contains({"udp", port.first}); });
  for (const auto& [local, target] : ports) {
    const auto& [protocol, number] = local;
    const bool tcp = protocol == "tcp";
    if (!tcp && protocol != "udp") continue;
    if (tcp && tcp_.contains(number)) {
      tcp_[number]->target = target;
      continue;
    }
    if (!tcp && udp_.contains(number) && udp_[number]->target == target) continue;
    if (!tcp) udp_.erase(number);
    const io::InetAddress here{kLoopbackAddress, number};
    auto fd = tcp ? io::tcp_listen(here) : io::udp_bind(here);
    if (!fd) {
      log::warning("port does not answer on 127.0.0.1",
                   {{"port", number}, {"protocol", protocol}, {"error", fd.error().message}});
      continue;
    }
    if (tcp) {
      tcp_[number] = std::make_unique<TcpPort>(loop_, *connections_, std::move(*fd), target);
    } else {
      udp_[number] = std::make_unique<UdpPort>(loop_, std::move(*fd), target);
    }
  }
}

}  // namespace pinnace::kubeproxy
