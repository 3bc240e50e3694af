// LogFile appends lines to a file that is renamed when it grows, and old ones are removed.
//
// How: lines wait in memory for a thread that writes many at once, at most a twentieth of a second
//   after the first of them. A full file becomes
//   NAME-2026-11-26T18-00-00.000.EXT (and .gz if compressed), as kube-apiserver names it.
// Bounds: kMaxWaitingBytes wait; a line beyond that is dropped and counted. `max_bytes`,
//   `max_backups` and `max_age_days` bound the disk.
// Lifetime: the destructor writes what waits. Threads: `add` from any thread; never blocks on disk.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "io/fd.h"

namespace pinnace::apiserver::audit {

class LogFile {
 public:
  static constexpr std::size_t kMaxWaitingBytes = 16 << 20;

  struct Options {
    std::string path;  // "-": standard output, never renamed
    std::size_t max_bytes = 100 << 20;
    int max_backups = 0;   // 0: all are kept
    int max_age_days = 0;  // 0: for ever
    bool compress = false;
    const Clock& clock;
  };
  // Makes the file and its directory (0600, 0700); fails if it cannot be written.
  static Result<std::unique_ptr<LogFile>> create(Options options);
  ~LogFile();

  // False: dropped.
  bool add(std::string_view line);

 private:
  explicit LogFile(Options options);
  Result<void> open();
  void run();
  void write(std::string_view lines);
  void rotate();
  void remove_old() const;

  const Options options_;
  std::string directory_, stem_, extension_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string waiting_;
  bool stopping_ = false;
  // The thread's own.
  io::UniqueFd file_;
  std::size_t size_ = 0;
  std::thread thread_;
};

}  // namespace pinnace::apiserver::audit
