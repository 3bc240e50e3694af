// EtcdCluster is real members of etcd on this machine's loopback, for tests: started, killed, held
// and let go as the test likes.
//
// Lifetime: the destructor kills the members and removes what they wrote.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "base/assert.h"
#include "io/fd.h"
#include "io/files.h"
#include "io/process.h"

namespace pinnace::store::testing {

class EtcdCluster {
 public:
  // `directory` is there, and empty.
  EtcdCluster(std::string directory, int members) : directory_(std::move(directory)) {
    const std::vector<int> ports = free_ports(2 * members);
    for (int i = 0; i < members; ++i) {
      const auto at = static_cast<std::size_t>(2 * i);
      members_.push_back({"m" + std::to_string(i), ports[at], ports[at + 1], nullptr});
    }
    for (std::size_t i = 0; i < members_.size(); ++i) start(i);
  }
  ~EtcdCluster() {
    for (std::size_t i = 0; i < members_.size(); ++i) kill(i);
  }
  EtcdCluster(const EtcdCluster&) = delete;

  std::size_t size() const { return members_.size(); }
  std::vector<std::string> endpoints() const {
    std::vector<std::string> out;
    for (const Member& each : members_) out.push_back(url(each.client_port));
    return out;
  }
  void start(std::size_t member) {
    Member& starting = members_[member];
    std::string all;
    for (const Member& each : members_) {
      all += (all.empty() ? "" : ",") + each.name + '=' + url(each.peer_port);
    }
    io::SpawnOptions options;
    const std::string client = url(starting.client_port), peer = url(starting.peer_port);
    // A test that is killed takes its members with it.
    options.argv = {"setpriv",
                    "--pdeathsig=KILL",
                    "etcd",
                    "--name=" + starting.name,
                    "--data-dir=" + directory_ + '/' + starting.name,
                    "--listen-client-urls=" + client,
                    "--advertise-client-urls=" + client,
                    "--listen-peer-urls=" + peer,
                    "--initial-advertise-peer-urls=" + peer,
                    "--initial-cluster=" + all,
                    "--heartbeat-interval=50",
                    "--election-timeout=500",
                    "--log-level=error"};
    const int log = ::open((directory_ + '/' + starting.name + ".log").c_str(),
                           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    options.stdout_fd = options.stderr_fd = log;
    auto spawned = io::Process::spawn(options);
    ::close(log);
    PINNACE_ASSERT(spawned.has_value());
    starting.process = std::move(*spawned);
  }
  void kill(std::size_t member) {
    auto process = std::move(members_[member].process);
    if (!process) return;
    io::ExitStatus status;
    (void)process->kill(SIGKILL);
    process->wait_for(std::chrono::seconds(10), status);
  }
  // What the members said, for a test that fails.
  std::string logs() const {
    std::string out;
    for (const Member& each : members_) {
      const std::string path = directory_ + '/' + each.name + ".log";
      out += each.name + ":\n" + io::read_file(path).value_or("no log") + '\n';
    }
    return out;
  }
  void hold(std::size_t member) { (void)members_[member].process->kill(SIGSTOP); }
  void let_go(std::size_t member) { (void)members_[member].process->kill(SIGCONT); }

 private:
  struct Member {
    std::string name;
    int client_port, peer_port;
    std::unique_ptr<io::Process> process;
  };
  static std::string url(int port) { return "http://127.0.0.1:" + std::to_string(port); }
  // All of them different: each is held until the last is found.
  static std::vector<int> free_ports(int count) {
    std::vector<io::UniqueFd> held;
    std::vector<int> ports;
    for (int i = 0; i < count; ++i) {
      io::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t size = sizeof address;
      auto* generic = reinterpret_cast<sockaddr*>(&address);
      PINNACE_ASSERT(::bind(fd.get(), generic, size) == 0 &&
                     ::getsockname(fd.get(), generic, &size) == 0);
      ports.push_back(ntohs(address.sin_port));
      held.push_back(std::move(fd));
    }
    return ports;
  }

  const std::string directory_;
  std::vector<Member> members_;
};

}  // namespace pinnace::store::testing
