// LogReader reads a container's log in CRI's format and gives it as `kubectl logs` wants it.
//
// A line of the file is "2026-11-24T10:00:00.123456789Z stdout F text"; P instead of F says that
// the line goes on in the next.
// Threads: one at a time.
// Bounds: a piece of a line is at most 64 KiB here; longer ones are passed on in parts.
// Source: Kubernetes CRI logging; API reference, PodLogOptions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace pinnace::kubelet {

struct LogOptions {
  bool follow = false, previous = false, timestamps = false;
  std::optional<std::int64_t> tail_lines;
  std::optional<std::int64_t> limit_bytes;
  std::optional<WallTime> since;
  std::string stream;  // "", "All", "Stdout", "Stderr"
};

struct LogLine {
  std::string_view time, stream, text;
  bool partial = false;
};
std::optional<LogLine> parse_log_line(std::string_view line);

class LogReader {
 public:
  LogReader(std::string path, LogOptions options);
  ~LogReader();
  LogReader(const LogReader&) = delete;

  // Appends what there is now to `out`, about `max_bytes` of it. False at the present end of the
  // file.
  bool read(std::string& out, std::size_t max_bytes);
  // The file was replaced by a new one of the same name (rotation): goes on at its beginning.
  bool reopen_if_rotated();
  // `limit_bytes` was reached.
  bool full() const { return full_; }
  bool exists() const { return fd_ >= 0; }

 private:
  bool open();
  void seek_tail();
  void take(std::string_view line, std::string& out);

  const std::string path_;
  const LogOptions options_;
  int fd_ = -1;
  std::uint64_t inode_ = 0;
  std::string pending_;   // A line whose end is not there yet.
  bool in_line_ = false;  // The last piece was partial: no timestamp before the next.
  std::int64_t sent_ = 0;
  bool full_ = false;
};

}  // namespace pinnace::kubelet
