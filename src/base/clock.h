// Clock tells the time, and Executor runs work on one thread, now or later.
//
// Why: nothing outside `io` and `cmd` reads the real clock, so that a test or a simulation can hand
//   in a virtual one and decide what "five minutes later" means.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace pinnace {

using Duration = std::chrono::nanoseconds;
// Wall time: what stands in creationTimestamp.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;
// Monotonic time, for timers and elapsed time; its zero has no meaning.
struct MonotonicTime {
  std::int64_t nanoseconds = 0;
  auto operator<=>(const MonotonicTime&) const = default;
  MonotonicTime operator+(Duration d) const { return {nanoseconds + d.count()}; }
  Duration operator-(MonotonicTime other) const {
    return Duration(nanoseconds - other.nanoseconds);
  }
};

// Threads: all methods may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual MonotonicTime monotonic() const = 0;
};

// The machine's clocks. Only `cmd`, `io` and tests name it; all others are handed a Clock.
Clock& real_clock();

// Work on one thread, in order. `io::Loop` is the real one; tests step a virtual one.
class Executor {
 public:
  using TimerId = std::uint64_t;  // 0 is never a timer.
  virtual ~Executor() = default;
  // Runs `work` on the executor's thread, after what was posted before. Any thread.
  virtual void post(std::function<void()> work) = 0;
  // Runs `work` once, not earlier than `delay` from now. Any thread.
  virtual TimerId schedule_after(Duration delay, std::function<void()> work) = 0;
  // After this returns on the executor's thread the timer will not run. Unknown ids are ignored.
  virtual void cancel(TimerId id) = 0;
  virtual const Clock& clock() const = 0;
};

// "2026-11-24T10:00:00Z" (RFC 3339, UTC, whole seconds) and with microseconds.
std::string rfc3339(WallTime time);
std::string rfc3339_micro(WallTime time);
// The inverse, for any RFC 3339 text with an offset and up to nine decimals; false if it is none,
// or of a year that a WallTime cannot hold (before 1678, after 2261).
bool parse_rfc3339(std::string_view text, WallTime& out);

}  // namespace pinnace
