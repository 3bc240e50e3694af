// Turn is what one request has of the server's seats: which flow it is of, and the seats that it
// holds until it is over.
//
// Lifetime: stands in its Call, and stays there while it waits or holds seats; gives them back when
//   it goes.
// Threads: `release` and `leave` any, at any time after Turns::ask has returned; the rest as its
//   Call.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "apiserver/fairness/queue_set.h"
#include "net/http.h"

namespace pinnace::apiserver::fairness {

struct Flow;
struct Flows;

class Turn {
 public:
  Turn() = default;
  ~Turn();

  // It is over, or a watch has told what there was at its start. Does nothing the second time.
  void release();
  // Who waits for it is told kCancelled, if it waits.
  void leave();

  // The FlowSchema and level that it fell under; null: none, or not yet.
  const Flow* flow() const { return flow_; }
  const Place& place() const { return place_; }
  // Says them to the client.
  void add_headers(net::Headers& headers) const;

 private:
  friend class Turns;
  std::shared_ptr<const Flows> flows_;  // Keeps `flow_`.
  const Flow* flow_ = nullptr;
  Place place_;
  std::atomic<std::size_t>* counted_in_ = nullptr;  // Without fairness: of how many it is one.
  std::atomic<bool> holds_{false};
};

}  // namespace pinnace::apiserver::fairness
