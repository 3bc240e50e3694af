// ThreadPool runs work that blocks: calls to the runtime, to the API, and to disks.
//
// Why: a slow call for one pod must not hold up others. Threads are made when there is work that
//   none of the idle ones can take, and leave after a while without any, so an idle node has none.
// Threads: any, but `stop` not from the pool's own.
// Bounds: `max_threads`; work beyond that waits in line (the line is not bounded: its users queue
//   at most one piece of work per pod, container, probe or image).
// Lifetime: the destructor stops it.
#pragma once

#include <functional>
#include <memory>

namespace pinnace::kubelet {

class ThreadPool {
 public:
  // The name: at most 15 characters. Without threads nothing runs but by `run_one`, as tests want
  // it.
  ThreadPool(const char* name, int max_threads);
  ~ThreadPool();
  void submit(std::function<void()> work);
  // Runs what is queued, and waits for it; what is submitted later is dropped.
  void stop();
  // Runs the first piece of work in line on the caller's thread; false if there is none.
  bool run_one();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace pinnace::kubelet
