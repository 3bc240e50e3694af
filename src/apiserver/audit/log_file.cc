#include "apiserver/audit/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/log.h"
#include "io/files.h"

namespace pinnace::apiserver::audit {

namespace {

constexpr std::size_t kManyBytes = 256 << 10;  // So many are written at once.

constexpr std::string_view kCompressed = ".gz";
constexpr std::size_t kCopyBytes = 256 << 10;

// "2026-11-26T18-00-00.000": as a name it sorts by time.
std::string stamp(WallTime time) {
  std::string text = rfc3339_micro(time).substr(0, 23);
  std::replace(text.begin(), text.end(), ':', '-');
  return text;
}

Result<void> compress(const std::string& path) {
  const std::string made = path + std::string(kCompressed);
  io::UniqueFd from(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const int to = ::open(made.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (!from.valid() || to < 0) return errors::system("cannot compress " + path, errno);
  gzFile out = gzdopen(to, "wb1");
  std::vector<char> buffer(kCopyBytes);
  ssize_t count = 0;
  bool ok = out != nullptr;
  while (ok && (count = ::read(from.get(), buffer.data(), buffer.size())) > 0) {
    ok = gzwrite(out, buffer.data(), static_cast<unsigned>(count)) == count;
  }
  if (out == nullptr) ::close(to);
  ok = ok && count == 0;
  if (out != nullptr) ok = gzclose(out) == Z_OK && ok;
  ::unlink(ok ? path.c_str() : made.c_str());
  if (!ok) return errors::internal("cannot compress " + path);
  return {};
}

}  // namespace

Result<std::unique_ptr<LogFile>> LogFile::create(Options options) {
  std::unique_ptr<LogFile> made(new LogFile(std::move(options)));
  if (auto opened = made->open(); !opened) return std::unexpected(std::move(opened.error()));
  made->thread_ = std::thread([raw = made.get()] { raw->run(); });
  return made;
}

LogFile::LogFile(Options options) : options_(std::move(options)) {
  const auto slash = options_.path.rfind('/');
  directory_ = slash == std::string::npos ? "." : options_.path.substr(0, slash);
  stem_ = slash == std::string::npos ? options_.path : options_.path.substr(slash + 1);
  const auto dot = stem_.rfind('.');
  if (dot != std::string::npos) extension_ = stem_.substr(dot);
  stem_.resize(stem_.size() - extension_.size());
}

LogFile::~LogFile() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

Result<void> LogFile::open() {
  if (options_.path == "-") {
    file_ = io::UniqueFd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    if (!file_.valid()) return errors::system("cannot write to standard output", errno);
    return {};
  }
  if (auto made = io::make_directories(directory_, 0700); !made) return made;
  file_ =
      io::UniqueFd(::open(options_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  struct stat info {};
  if (!file_.valid() || fstat(file_.get(), &info) != 0) {
    return errors::system("cannot open " + options_.path, errno);
  }
  size_ = static_cast<std::size_t>(info.st_size);
  return {};
}

// What waits is written at once.
bool LogFile::is_enough() const {
  return stopping_ || !told_.empty() || waiting_.size() >= kManyBytes ||
         waiting_lines_ >= options_.many_lines;
}

bool LogFile::add(std::string_view line, Written written) {
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + line.size() > kMaxWaitingBytes ||
        waiting_lines_ >= options_.max_waiting_lines) {
      return false;
    }
    const bool was_enough = is_enough();
    wakes = waiting_.empty();
    waiting_ += line;
    ++waiting_lines_;
    if (written) told_.push_back(std::move(written));
    wakes = wakes || (!was_enough && is_enough());
  }
  if (wakes) wake_.notify_one();
  return true;
}

void LogFile::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    // More will come: a wake-up for each line would cost more than the line.
    wake_.wait_for(lock, options_.gather, [this] { return is_enough(); });
    const std::string lines = std::exchange(waiting_, {});
    const std::vector<Written> told = std::exchange(told_, {});
    waiting_lines_ = 0;
    lock.unlock();
    const bool is_written = write(lines);
    for (const Written& each : told) each(is_written);
    lock.lock();
  }
}

// A file is full before the line that would make it too long; lines are never parted.
bool LogFile::write(std::string_view lines) {
  bool is_written = true;
  while (!lines.empty()) {
    const std::size_t room = options_.path == "-" || size_ >= options_.max_bytes
                                 ? lines.size()
                                 : options_.max_bytes - size_;
    std::size_t count = lines.size();
    if (options_.path != "-" && size_ + lines.size() > options_.max_bytes) {
      const auto last = lines.substr(0, room).rfind('\n');
      count = last == std::string_view::npos ? 0 : last + 1;
      if (size_ >= options_.max_bytes) count = 0;
      if (count == 0 && size_ > 0) {
        rotate();
        continue;
      }
      if (count == 0) count = std::min(lines.find('\n'), lines.size() - 1) + 1;
    }
    if (auto done = io::write_all(file_.get(), lines.substr(0, count)); !done) {
      log::error("the audit log cannot be written", {{"error", done.error().message}});
      is_written = false;
    }
    size_ += count;
    lines.remove_prefix(count);
  }
  return is_written;
}

void LogFile::rotate() {
  const std::string old =
      directory_ + '/' + stem_ + '-' + stamp(options_.clock.wall()) + extension_;
  size_ = 0;
  if (::rename(options_.path.c_str(), old.c_str()) != 0) {
    log::error("the audit log cannot be renamed", {{"path", options_.path}});
    return;
  }
  if (auto opened = open(); !opened) {
    log::error("the audit log cannot be opened anew", {{"error", opened.error().message}});
  }
  if (options_.compress) {
    if (auto done = compress(old); !done) {
      log::warning("an old audit log stays as it is", {{"error", done.error().message}});
    }
  }
  remove_old();
}

void LogFile::remove_old() const {
  if (options_.max_backups == 0 && options_.max_age_days == 0) return;
  std::vector<std::string> backups;
  for (auto& name : io::list_directory(directory_).value_or(std::vector<std::string>())) {
    if (name.starts_with(stem_ + '-') &&
        (name.ends_with(extension_) || name.ends_with(extension_ + std::string(kCompressed)))) {
      backups.push_back(std::move(name));
    }
  }
  const std::string oldest =
      stem_ + '-' + stamp(options_.clock.wall() - std::chrono::days(options_.max_age_days));
  const auto kept = static_cast<std::size_t>(options_.max_backups);
  for (std::size_t i = 0; i < backups.size(); ++i) {  // In the order of their times.
    const bool is_too_many = kept != 0 && backups.size() - i > kept;
    const bool is_too_old = options_.max_age_days != 0 && backups[i] < oldest;
    if (is_too_many || is_too_old) ::unlink((directory_ + '/' + backups[i]).c_str());
  }
}

}  // namespace pinnace::apiserver::audit
