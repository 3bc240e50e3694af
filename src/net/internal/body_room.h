// BodyRoom is what the bodies of all requests of one server may take together, and BodyShare what
// one of them takes.
//
// Why: a request keeps its body while it waits for its turn, and connections are many: bounds of
//   one request and of one connection leave the sum of them open.
// Threads: any. Lifetime: the room lives as long as a share of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace pinnace::net::internal {

class BodyRoom {
 public:
  explicit BodyRoom(std::size_t bytes) : left_(bytes) {}
  // False, and nothing is taken, where so much is not left.
  bool take(std::size_t bytes) {
    std::size_t left = left_.load(std::memory_order_relaxed);
    do {
      if (left < bytes) return false;
    } while (!left_.compare_exchange_weak(left, left - bytes, std::memory_order_relaxed));
    return true;
  }
  void give_back(std::size_t bytes) { left_.fetch_add(bytes, std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> left_;
};

class BodyShare {
 public:
  explicit BodyShare(std::shared_ptr<BodyRoom> room) : room_(std::move(room)) {}
  ~BodyShare() { room_->give_back(bytes_); }
  BodyShare(const BodyShare&) = delete;
  // As `take`; what was taken is given back at the end. Not from two threads at once.
  bool grow(std::size_t bytes) {
    if (!room_->take(bytes)) return false;
    bytes_ += bytes;
    return true;
  }

 private:
  const std::shared_ptr<BodyRoom> room_;
  std::size_t bytes_ = 0;
};

}  // namespace pinnace::net::internal
