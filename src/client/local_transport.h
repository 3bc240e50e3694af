// LocalTransport calls a net::Handler in this process, as one user, without HTTP and without TLS.
//
// Why: the components of one process take the same way through authentication, authorization and
//   admission as everybody, but share finished bytes with the store.
// Threads: any. `round_trip` runs the handler, and what it posts, on the caller's thread. What is
//   sent and what is watched runs on `loop`, which stands for the I/O thread of a connection, and
//   may be the reader's own.
// Lifetime: the handler and the loop outlive it; it outlives its watches. Once it is destroyed
//   nothing is given to an executor any more: answers still to come are dropped.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/transport.h"

namespace pinnace::io {
class Loop;
class LoopThread;
}  // namespace pinnace::io
namespace pinnace::net {
class Handler;
struct Request;
}  // namespace pinnace::net

namespace pinnace::client {

class AnswerGate;

// Who calls: what stands as common name and organizations in a certificate.
struct Identity {
  std::string user;
  std::vector<std::string> groups;
};

class LocalTransport final : public Transport {
 public:
  // Without a loop it starts a thread with one.
  LocalTransport(net::Handler& handler, Identity identity, io::Loop* loop = nullptr);
  ~LocalTransport() override;
  Result<Response> round_trip(const Request& request) override;
  void send(const Request& request, Executor& executor,
            std::function<void(Result<Response>)> done) override;
  std::unique_ptr<WatchStream> watch(const Request& request, Executor& executor,
                                     std::function<void(std::string_view line)> on_line,
                                     std::function<void(Result<void>)> on_end) override;

 private:
  net::Request make_request(const Request& request) const;

  const std::shared_ptr<AnswerGate> gate_;
  net::Handler& handler_;
  const Identity identity_;
  std::unique_ptr<io::LoopThread> own_thread_;
  io::Loop& loop_;
};

}  // namespace pinnace::client
