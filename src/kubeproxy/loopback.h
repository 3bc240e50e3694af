// Loopback makes node ports and host ports answer on 127.0.0.1, by carrying bytes.
//
// Why: to translate 127.0.0.1 the kernel would need route_localnet, which lets neighbours reach
//   what listens on the loopback; see docs/decisions/0020-node-ports-on-loopback.md.
// Threads: the loop's.
// Bounds: 1,024 TCP connections and 256 UDP clients, more are turned away; 64 KiB buffered each way
//   of a connection; a UDP client is forgotten after 60 s of silence.
// Errors: a port that something else has taken is logged and tried again at the next `set`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "io/inet.h"
#include "io/loop.h"
#include "kubeproxy/plan.h"

namespace pinnace::kubeproxy {

class Loopback {
 public:
  explicit Loopback(io::Loop& loop);
  ~Loopback();

  // The ports to serve from now on. Connections of ports that are gone go on until they end.
  void set(const std::map<LocalPort, io::InetAddress>& ports);

 private:
  struct TcpPort;
  struct UdpPort;
  struct Connections;

  io::Loop& loop_;
  std::unique_ptr<Connections> connections_;
  std::map<std::uint16_t, std::unique_ptr<TcpPort>> tcp_;
  std::map<std::uint16_t, std::unique_ptr<UdpPort>> udp_;
};

}  // namespace pinnace::kubeproxy
