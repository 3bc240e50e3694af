// WatchSocket sends a watch over a WebSocket: one message for each event.
//
// Why: a page in a browser can follow a WebSocket, but not an answer that does not end.
// Lifetime: the connection holds it, from `start` until it closes.
// Threads: made and started on the exchange's loop; `wake` from any thread.
// Bounds: at most kMaxWaitingBytes wait for the client; then no event is made until it took some.
#pragma once

#include <memory>
#include <string>

#include "net/http.h"
#include "net/websocket.h"

namespace pinnace::apiserver {

class WatchSocket : public std::enable_shared_from_this<WatchSocket> {
 public:
  explicit WatchSocket(io::Loop& loop) : loop_(loop) {}

  // There may be events that can be sent.
  void wake();
  // `events` gives lines of JSON, or (`is_binary`) messages with their length before them.
  void start(std::unique_ptr<net::WebSocket> client, std::unique_ptr<net::Body> events,
             bool is_binary);

 private:
  void pump();
  void send_whole_events();
  void finish();

  io::Loop& loop_;
  std::unique_ptr<net::WebSocket> client_;
  std::unique_ptr<net::Body> events_;
  std::string unsent_;  // The beginning of an event.
  bool is_binary_ = false, is_ending_ = false;
};

}  // namespace pinnace::apiserver
