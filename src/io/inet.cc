#include "io/inet.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace pinnace::io {
namespace {

sockaddr_in to_sockaddr(InetAddress address) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = __builtin_bswap16(address.port);
  made.sin_addr.s_addr = __builtin_bswap32(address.ip.value);
  return made;
}

Result<UniqueFd> open_socket(int type) {
  UniqueFd fd(socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errors::system("socket", errno);
  return fd;
}

Result<UniqueFd> bind_socket(int type, InetAddress address) {
  auto fd = open_socket(type);
  if (!fd) return fd;
  const int on = 1;
  if (type == SOCK_STREAM) setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in name = to_sockaddr(address);
  if (bind(fd->get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    return errors::system("bind " + address.text(), errno);
  }
  return fd;
}

Result<UniqueFd> connect_socket(int type, InetAddress peer) {
  auto fd = open_socket(type);
  if (!fd) return fd;
  const sockaddr_in name = to_sockaddr(peer);
  if (connect(fd->get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 &&
      errno != EINPROGRESS) {
    return errors::system("connect to " + peer.text(), errno);
  }
  return fd;
}

}  // namespace

Result<UniqueFd> udp_bind(InetAddress address) { return bind_socket(SOCK_DGRAM, address); }

Result<UniqueFd> tcp_listen(InetAddress address, int backlog) {
  auto fd = bind_socket(SOCK_STREAM, address);
  if (fd && listen(fd->get(), backlog) != 0) {
    return errors::system("listen on " + address.text(), errno);
  }
  return fd;
}

Result<UniqueFd> udp_connect(InetAddress peer) { return connect_socket(SOCK_DGRAM, peer); }

Result<UniqueFd> tcp_connect(InetAddress peer) {
  auto fd = connect_socket(SOCK_STREAM, peer);
  const int on = 1;
  if (fd) setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

int connect_error(int fd) {
  int code = 0;
  socklen_t size = sizeof code;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return errno;
  return code;
}

InetAddress local_address(int fd) {
  sockaddr_in name{};
  socklen_t size = sizeof name;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return {};
  return {{__builtin_bswap32(name.sin_addr.s_addr)}, __builtin_bswap16(name.sin_port)};
}

}  // namespace pinnace::io
