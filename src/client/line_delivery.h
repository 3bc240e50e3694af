// LineDelivery carries the lines of a watch from the I/O thread to the reader's executor.
//
// Bounds: when kHighMark bytes wait, `feed` says so, and the source must not read on until `resume`
//   was called. A line that is longer than kMaxLine ends the watch with an error.
// Threads: `feed` and `finish` on the I/O thread; callbacks on the executor; `stop` on the
//   executor's thread, after which no callback runs.
// Lifetime: the executor may be gone once `stop` has returned, though the I/O thread feeds on.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace pinnace::client {

class LineDelivery : public std::enable_shared_from_this<LineDelivery> {
 public:
  using OnLine = std::function<void(std::string_view line)>;
  using OnEnd = std::function<void(Result<void>)>;
  LineDelivery(Executor& executor, OnLine on_line, OnEnd on_end, std::function<void()> resume)
      : executor_(executor),
        on_line_(std::move(on_line)),
        on_end_(std::move(on_end)),
        resume_(std::move(resume)) {}

  // Takes the next bytes; true if more are welcome now. After `stop` none are.
  bool feed(std::string_view bytes);
  // The stream is over. Only the first call counts.
  void finish(Result<void> result);
  void stop();

 private:
  static constexpr std::size_t kHighMark = 1 << 20;
  static constexpr std::size_t kMaxLine = 16 << 20;
  void post_drain();  // Needs the mutex.
  void drain();

  Executor& executor_;
  const OnLine on_line_;
  const OnEnd on_end_;
  const std::function<void()> resume_;
  std::atomic<bool> stopped_{false};  // Becomes true with the mutex held.

  std::string partial_;  // The I/O thread's.
  std::mutex mutex_;
  std::deque<std::string> lines_;
  std::size_t waiting_bytes_ = 0;
  bool draining_ = false;
  bool held_back_ = false;
  bool finished_ = false;
  std::optional<Result<void>> end_;
};

}  // namespace pinnace::client
