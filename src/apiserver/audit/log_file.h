// LogFile appends lines to a file that is renamed when it grows, and old ones are removed.
//
// How: lines wait in memory for a thread that writes many at once, at most `gather` after the
//   first of them, and at once when somebody waits for one. A full file becomes
//   NAME-2026-11-26T18-00-00.000.EXT (and .gz if compressed), as kube-apiserver names it.
// Bounds: kMaxWaitingBytes and `max_waiting_lines` wait; a line beyond that is dropped.
//   `max_bytes`, `max_backups` and `max_age_days` bound the disk.
// Lifetime: the destructor writes what waits. Threads: `add` from any thread; never blocks on disk.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

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
    Duration gather = std::chrono::milliseconds(50);
    std::size_t many_lines = 1000;  // So many are written before that time is over.
    std::size_t max_waiting_lines = 10'000;
    const Clock& clock;
  };
  // Makes the file and its directory (0600, 0700); fails if it cannot be written.
  static Result<std::unique_ptr<LogFile>> create(Options options);
  ~LogFile();

  // False: dropped. `written` is called once on the file's thread, if not null and not dropped.
  using Written = std::function<void(bool is_written)>;
  bool add(std::string_view line, Written written = nullptr);

 private:
  explicit LogFile(Options options);
  Result<void> open();
  void run();
  bool is_enough() const;
  bool write(std::string_view lines);
  void rotate();
  void remove_old() const;

  const Options options_;
  std::string directory_, stem_, extension_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string waiting_;
  std::size_t waiting_lines_ = 0;
  std::vector<Written> told_;
  bool stopping_ = false;
  // The thread's own.
  io::UniqueFd file_;
  std::size_t size_ = 0;
  std::thread thread_;
};

}  // namespace pinnace::apiserver::audit
