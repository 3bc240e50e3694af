// DnsServer answers over UDP and TCP: from the Directory what is in the cluster, from the host's
// resolvers the rest.
//
// Threads: the loop's, from construction to destruction.
// Bounds: 256 TCP connections (more are closed at once), each idle at most 10 s and with at most 16
//   questions waiting; UDP answers up to what the asker takes, 4,096 bytes at most.
// Source: RFC 1035 §4.2, RFC 7766 (TCP).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "dns/answer_cache.h"
#include "dns/directory.h"
#include "dns/forwarder.h"
#include "io/inet.h"
#include "io/loop.h"

namespace pinnace::dns {

class DnsServer {
 public:
  struct Options {
    io::InetAddress listen;  // UDP and TCP; port 0: one that the kernel chooses for both
    Forwarder::Options forward;
  };
  static Result<std::unique_ptr<DnsServer>> create(io::Loop& loop, Rng& rng,
                                                   const Directory& directory, Options options);
  ~DnsServer();

  io::InetAddress address() const { return address_; }
  // Until this is called, questions about the cluster get SERVFAIL: "not yet" is not "no".
  void set_ready() { ready_ = true; }

 private:
  struct Connection;
  // Sends one answer back to who asked; may run at once or later.
  using Reply = std::function<void(std::string bytes)>;

  DnsServer(io::Loop& loop, Rng& rng, const Directory& directory, Options options);
  Result<void> listen(io::InetAddress address);
  void on_udp();
  void on_accept();
  void on_connection(std::uint64_t key, std::uint32_t events);
  bool read_connection(Connection& connection);
  void answer_questions(std::uint64_t key);
  void answer_connection(std::uint64_t key, const std::string& bytes);
  bool flush(Connection& connection);
  void close_connection(std::uint64_t key);
  void touch(std::uint64_t key, Connection& connection);

  void handle(std::string query, bool over_tcp, Reply reply);
  void forward(std::string query, const Question& question, std::size_t limit, bool over_tcp,
               Reply reply);
  void follow(DnsMessage answer, const std::string& target, std::size_t limit, bool over_tcp,
              Reply reply);

  io::Loop& loop_;
  const Directory& directory_;
  Forwarder forwarder_;
  AnswerCache cache_;
  io::InetAddress address_;
  io::UniqueFd udp_, tcp_;
  bool ready_ = false;
  std::size_t rotation_ = 0;
  std::uint64_t last_connection_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
};

}  // namespace pinnace::dns
