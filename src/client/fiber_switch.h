// SwitchPoint is a place on some stack where execution stands and can be continued.
//
// Why: what the sanitizers must be told about a change of stacks stays here.
// Threads: both ends of a switch are on one thread.
// Source: makecontext(3), swapcontext(3); sanitizer/common_interface_defs.h, tsan_interface.h.
#pragma once

#include <ucontext.h>

#include <cstddef>

#include "base/assert.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define PINNACE_FIBERS_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define PINNACE_FIBERS_TSAN 1
#endif

namespace pinnace::client {

class SwitchPoint {
 public:
  // A new stack, on which the first switch calls `main`. `main` calls `arrived` first and must not
  // return.
  void prepare(void* bottom, std::size_t bytes, void (*main)()) {
    PINNACE_ASSERT(getcontext(&context_) == 0);
    context_.uc_stack.ss_sp = bottom;
    context_.uc_stack.ss_size = bytes;
    context_.uc_link = nullptr;
    makecontext(&context_, main, 0);
    bottom_ = bottom;
    bytes_ = bytes;
#ifdef PINNACE_FIBERS_TSAN
    fiber_ = __tsan_create_fiber(0);
#endif
  }
  // The first thing on a new stack; `from` is where the switch came from.
  void arrived([[maybe_unused]] SwitchPoint& from) {
#ifdef PINNACE_FIBERS_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &from.bottom_, &from.bytes_);
#endif
  }
  // Stands here until somebody switches back; with `for_good` nobody will.
  void switch_to(SwitchPoint& other, [[maybe_unused]] bool for_good) {
#ifdef PINNACE_FIBERS_ASAN
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_stack_, other.bottom_, other.bytes_);
#endif
#ifdef PINNACE_FIBERS_TSAN
    fiber_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(other.fiber_, 0);
#endif
    PINNACE_ASSERT(swapcontext(&context_, &other.context_) == 0);
#ifdef PINNACE_FIBERS_ASAN
    __sanitizer_finish_switch_fiber(fake_stack_, &other.bottom_, &other.bytes_);
#endif
  }
  // Its stack is not used any more.
  void finish() {
#ifdef PINNACE_FIBERS_TSAN
    __tsan_destroy_fiber(fiber_);
#endif
  }

 private:
  ucontext_t context_{};
  const void* bottom_ = nullptr;
  std::size_t bytes_ = 0;
#ifdef PINNACE_FIBERS_ASAN
  void* fake_stack_ = nullptr;
#endif
#ifdef PINNACE_FIBERS_TSAN
  void* fiber_ = nullptr;
#endif
};

}  // namespace pinnace::client
