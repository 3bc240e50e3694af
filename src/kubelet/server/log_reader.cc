#include "kubelet/server/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/strings.h"

namespace pinnace::kubelet {
namespace {
constexpr std::size_t kBlock = 64 << 10;
}

std::optional<LogLine> parse_log_line(std::string_view line) {
  LogLine out;
  const auto word = [&line]() {
    const auto space = line.find(' ');
    const auto found = line.substr(0, space);
    line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
    return found;
  };
  out.time = word();
  out.stream = word();
  const std::string_view tag = word();
  if (out.time.empty() || (out.stream != "stdout" && out.stream != "stderr") || tag.empty()) {
    return std::nullopt;
  }
  out.partial = split(tag, ':').front() == "P";
  out.text = line;
  return out;
}

LogReader::LogReader(std::string path, LogOptions options)
    : path_(std::move(path)), options_(std::move(options)) {
  if (open() && options_.tail_lines) seek_tail();
}

LogReader::~LogReader() {
  if (fd_ >= 0) close(fd_);
}

bool LogReader::open() {
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd_ >= 0 && fstat(fd_, &info) == 0) inode_ = info.st_ino;
  return fd_ >= 0;
}

// Goes back block by block until enough whole lines lie ahead. Pieces of one line count once.
void LogReader::seek_tail() {
  const std::int64_t wanted = std::max<std::int64_t>(*options_.tail_lines, 0);
  const off_t end = lseek(fd_, 0, SEEK_END);
  if (wanted == 0 || end <= 0) return;
  std::string tail;
  off_t begin = end;
  for (;;) {
    const auto size = static_cast<std::size_t>(std::min<off_t>(begin, kBlock));
    begin -= static_cast<off_t>(size);
    std::string block(size, '\0');
    const ssize_t got = pread(fd_, block.data(), size, begin);
    block.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    tail.insert(0, block);
    // Starts of logical lines: after a newline whose line was not partial.
    std::vector<std::size_t> starts;
    std::size_t at = begin == 0 ? 0 : tail.find('\n') + 1;
    bool after_partial = false;
    while (at < tail.size()) {
      const auto newline = tail.find('\n', at);
      const auto line = parse_log_line(std::string_view(tail).substr(at, newline - at));
      const bool counts = options_.stream.empty() || options_.stream == "All" ||
                          (line && equal_ignoring_case(options_.stream, line->stream));
      if (!after_partial && counts) starts.push_back(at);
      after_partial = line && line->partial;
      if (newline == std::string::npos) break;
      at = newline + 1;
    }
    const bool enough = static_cast<std::int64_t>(starts.size()) > wanted;
    if (enough || begin == 0) {
      const std::size_t skip = static_cast<std::int64_t>(starts.size()) > wanted
                                   ? starts[starts.size() - static_cast<std::size_t>(wanted)]
                                   : 0;
      lseek(fd_, begin + static_cast<off_t>(skip), SEEK_SET);
      return;
    }
  }
}

void LogReader::take(std::string_view text, std::string& out) {
  const auto line = parse_log_line(text);
  if (!line) return;
  if (!options_.stream.empty() && options_.stream != "All" &&
      !equal_ignoring_case(options_.stream, line->stream)) {
    return;
  }
  if (options_.since) {
    WallTime at;
    if (parse_rfc3339(line->time, at) && at < *options_.since) return;
  }
  std::string made;
  if (options_.timestamps && !in_line_) made.append(line->time).append(" ");
  made.append(line->text);
  if (!line->partial) made += '\n';
  in_line_ = line->partial;
  if (options_.limit_bytes) {
    const std::int64_t room = *options_.limit_bytes - sent_;
    if (static_cast<std::int64_t>(made.size()) >= room) {
      made.resize(static_cast<std::size_t>(std::max<std::int64_t>(room, 0)));
      full_ = true;
    }
  }
  sent_ += static_cast<std::int64_t>(made.size());
  out += made;
}

bool LogReader::read(std::string& out, std::size_t max_bytes) {
  if (fd_ < 0 && !open()) return false;
  char block[kBlock];
  const std::size_t begin = out.size();
  while (!full_ && out.size() - begin < max_bytes) {
    const ssize_t got = ::read(fd_, block, sizeof block);
    if (got <= 0) return false;
    pending_.append(block, static_cast<std::size_t>(got));
    std::size_t at = 0;
    for (std::size_t newline; !full_ && (newline = pending_.find('\n', at)) != std::string::npos;
         at = newline + 1) {
      take(std::string_view(pending_).substr(at, newline - at), out);
    }
    pending_.erase(0, at);
  }
  return !full_;
}

bool LogReader::reopen_if_rotated() {
  struct stat info;
  if (stat(path_.c_str(), &info) != 0 || (fd_ >= 0 && info.st_ino == inode_)) return false;
  if (fd_ >= 0) close(fd_);
  pending_.clear();
  return open();
}

}  // namespace pinnace::kubelet
