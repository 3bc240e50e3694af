#include "store/steady_logs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "io/fd.h"
#include "io/files.h"

namespace pinnace::store {
namespace {

constexpr std::size_t kMaxLogBytes = 256 << 20;

rocksdb::IOStatus failed(const char* what) {
  return rocksdb::IOStatus::IOError(std::string("a log cannot ") + what + ": " +
                                    std::strerror(errno));
}

class SteadyLog final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  SteadyLog(std::unique_ptr<rocksdb::FSWritableFile> file, io::UniqueFd own)
      : FSWritableFileOwnerWrapper(std::move(file)), own_(std::move(own)) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
    if (auto ok = make_room(data.size()); !ok.ok()) return ok;
    return FSWritableFileOwnerWrapper::Append(data, options, context);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& verification,
                           rocksdb::IODebugContext* context) override {
    if (auto ok = make_room(data.size()); !ok.ok()) return ok;
    return FSWritableFileOwnerWrapper::Append(data, options, verification, context);
  }
  rocksdb::IOStatus Close(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* context) override {
    if (zeroed_ > size_ && ::ftruncate(own_.get(), static_cast<off_t>(size_)) != 0) {
      return failed("be cut");
    }
    zeroed_ = size_;
    return FSWritableFileOwnerWrapper::Close(options, context);
  }
  // Its own way of taking room in advance would leave the inode to be written with each sync.
  void PrepareWrite(std::size_t, std::size_t, const rocksdb::IOOptions&,
                    rocksdb::IODebugContext*) override {}

 private:
  rocksdb::IOStatus make_room(std::size_t bytes) {
    size_ += bytes;
    if (size_ <= zeroed_) return rocksdb::IOStatus::OK();
    static const std::vector<char> kZeros(kLogStepBytes);
    while (zeroed_ < size_) {
      std::size_t done = 0;
      while (done < kZeros.size()) {
        const auto at = static_cast<off_t>(zeroed_ + done);
        const ssize_t wrote = ::pwrite(own_.get(), kZeros.data() + done, kZeros.size() - done, at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return failed("grow");
        done += static_cast<std::size_t>(wrote);
      }
      zeroed_ += kLogStepBytes;
    }
    return ::fdatasync(own_.get()) == 0 ? rocksdb::IOStatus::OK() : failed("grow");
  }

  const io::UniqueFd own_;
  std::uint64_t size_ = 0, zeroed_ = 0;  // Bytes of records, and of the file.
};

// What was there when it was opened.
class LogCopy final : public rocksdb::FSSequentialFile {
 public:
  explicit LogCopy(std::string bytes) : bytes_(std::move(bytes)) {}
  rocksdb::IOStatus Read(std::size_t count, const rocksdb::IOOptions&, rocksdb::Slice* result,
                         char* room, rocksdb::IODebugContext*) override {
    count = std::min(count, bytes_.size() - at_);
    std::memcpy(room, bytes_.data() + at_, count);
    at_ += count;
    *result = rocksdb::Slice(room, count);
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Skip(std::uint64_t count) override {
    at_ += std::min<std::uint64_t>(count, bytes_.size() - at_);
    return rocksdb::IOStatus::OK();
  }

 private:
  const std::string bytes_;
  std::size_t at_ = 0;
};

bool is_log(const std::string& name) { return name.ends_with(".log"); }

class SteadyLogs final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "SteadyLogs"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    auto made = FileSystemWrapper::NewWritableFile(name, options, result, context);
    if (!made.ok() || !is_log(name)) return made;
    io::UniqueFd own(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
    if (!own.valid()) return failed("be opened");
    *result = std::make_unique<SteadyLog>(std::move(*result), std::move(own));
    return made;
  }
  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* context) override {
    if (!is_log(name)) return FileSystemWrapper::NewSequentialFile(name, options, result, context);
    auto bytes = io::read_file(name, kMaxLogBytes);
    if (!bytes) return rocksdb::IOStatus::IOError(bytes.error().message);
    bytes->resize(written_bytes(*bytes));
    *result = std::make_unique<LogCopy>(std::move(*bytes));
    return rocksdb::IOStatus::OK();
  }
};

}  // namespace

std::size_t written_bytes(std::string_view log) {
  constexpr std::size_t kBlock = 32 << 10, kHeader = 7;
  std::size_t at = 0;
  while (at < log.size()) {
    const std::size_t left = kBlock - at % kBlock;
    if (left < kHeader) {  // No room for a header: the next block has it.
      at += left;
      continue;
    }
    if (log.size() - at < kHeader) break;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(log[at + i]); };
    const std::size_t length = byte(4) | static_cast<std::size_t>(byte(5)) << 8;
    if (length == 0 && byte(6) == 0) return at;
    at += std::min(kHeader + length, left);
  }
  return log.size();
}

std::shared_ptr<rocksdb::FileSystem> make_steady_logs() {
  return std::make_shared<SteadyLogs>(rocksdb::FileSystem::Default());
}

}  // namespace pinnace::store
