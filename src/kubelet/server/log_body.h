// A log as the body of an answer: read while the peer takes it and, if asked, while it grows.
//
// Why inotify and a timer: new lines shall be seen at once, but inotify may be used up, and nothing
//   but the runtime says that a container has ended.
// Threads: made on any; read and destroyed on the exchange's loop. Files are read on the pool.
// Bounds: 256 KiB are read ahead.
#pragma once

#include <memory>
#include <string>

#include "kubelet/cri/runtime.h"
#include "kubelet/server/log_reader.h"
#include "kubelet/thread_pool.h"
#include "net/http.h"

namespace pinnace::kubelet {

struct LogSource {
  std::string path;
  std::string container_id;  // When this one has ended, following ends too.
  LogOptions options;
  cri::Runtime& runtime;
  ThreadPool& pool;
  std::shared_ptr<net::Exchange> exchange;
};

std::unique_ptr<net::Body> make_log_body(LogSource source);

}  // namespace pinnace::kubelet
