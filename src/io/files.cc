#include "io/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>

namespace pinnace::io {
namespace {

Unexpected path_error(std::string_view what, const std::string& path, int error_number) {
  Unexpected made = errors::system(std::string(what) + " " + path, error_number);
  if (error_number == ENOENT || error_number == ENOTDIR) {
    made.error().code = 404;
    made.error().reason = "NotFound";
  }
  return made;
}

std::string parent_of(const std::string& path) {
  auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

struct DirCloser {
  void operator()(DIR* dir) const { closedir(dir); }
};
using Dir = std::unique_ptr<DIR, DirCloser>;

Result<std::vector<std::string>> names_in(UniqueFd fd, const std::string& path) {
  Dir dir(fdopendir(fd.get()));
  if (!dir) return path_error("open", path, errno);
  fd.release();
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    dirent* entry = readdir(dir.get());
    if (entry == nullptr) break;
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return path_error("read", path, errno);
  std::sort(names.begin(), names.end());
  return names;
}

// Depth is bounded by the path lengths that a file system allows for what is made with plain calls;
// a deeper tree (made with *at calls) ends here instead of on our stack.
constexpr int kMaxDepth = 512;

Result<void> remove_at(int parent, const std::string& name, const std::string& shown, dev_t device,
                       int depth) {
  if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return path_error("remove", shown, errno);
  if (depth > kMaxDepth) return path_error("remove", shown, ELOOP);
  UniqueFd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return errno == ENOENT ? Result<void>{} : path_error("open", shown, errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return path_error("stat", shown, errno);
  if (depth > 0 && info.st_dev != device) return path_error("remove", shown, EXDEV);
  UniqueFd listing(openat(fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!listing.valid()) return path_error("open", shown, errno);
  auto names = names_in(std::move(listing), shown);
  if (!names) return std::unexpected(names.error());
  for (const std::string& child : *names) {
    auto removed = remove_at(fd.get(), child, shown + "/" + child, info.st_dev, depth + 1);
    if (!removed) return removed;
  }
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
    return path_error("remove", shown, errno);
  return {};
}

}  // namespace

Result<std::string> read_fd(int fd, std::size_t max_bytes) {
  struct stat info {};
  std::string bytes;
  std::size_t expected = 4096;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
    expected = std::min(static_cast<std::size_t>(info.st_size), max_bytes) + 1;
  std::size_t used = 0;
  while (true) {
    bytes.resize(std::max(used + 4096, expected));
    ssize_t n = ::read(fd, bytes.data() + used, bytes.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errors::system("read", errno);
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
    if (used > max_bytes)
      return errors::too_large("more than " + std::to_string(max_bytes) + " bytes");
  }
  bytes.resize(used);
  return bytes;
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return path_error("open", path, errno);
  auto bytes = read_fd(fd.get(), max_bytes);
  if (!bytes) bytes.error().message = path + ": " + bytes.error().message;
  return bytes;
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errors::system("write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> write_file(const std::string& path, std::string_view bytes, mode_t mode) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd.valid()) return path_error("open", path, errno);
  auto written = write_all(fd.get(), bytes);
  if (!written) written.error().message = path + ": " + written.error().message;
  return written;
}

Result<void> write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode) {
  static std::atomic<unsigned> counter{0};
  std::string temporary =
      path + ".tmp." + std::to_string(getpid()) + "." + std::to_string(counter.fetch_add(1));
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return path_error("create", temporary, errno);
  auto fail = [&](std::string_view what) -> Result<void> {
    int error_number = errno;
    unlink(temporary.c_str());
    return path_error(what, temporary, error_number);
  };
  if (!write_all(fd.get(), bytes)) return fail("write");
  if (fchmod(fd.get(), mode) != 0) return fail("chmod");
  if (fsync(fd.get()) != 0) return fail("fsync");
  if (rename(temporary.c_str(), path.c_str()) != 0) return fail("rename");
  UniqueFd directory(::open(parent_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a directory (EINVAL); the rename has happened all the same.
  if (directory.valid() && fsync(directory.get()) != 0 && errno != EINVAL)
    return path_error("fsync", parent_of(path), errno);
  return {};
}

bool exists(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0;
}

Result<void> make_directories(const std::string& path, mode_t mode) {
  std::size_t from = 0;
  while (from != std::string::npos) {
    from = path.find('/', from + 1);
    std::string part = path.substr(0, from);
    if (part.empty()) continue;
    if (mkdir(part.c_str(), mode) != 0 && errno != EEXIST) return path_error("mkdir", part, errno);
  }
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return path_error("stat", path, errno);
  if (!S_ISDIR(info.st_mode)) return errors::system("mkdir " + path, EEXIST);
  return {};
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return path_error("open", path, errno);
  return names_in(std::move(fd), path);
}

Result<void> remove_tree(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0)
    return errno == ENOENT ? Result<void>{} : path_error("stat", path, errno);
  return remove_at(AT_FDCWD, path, path, info.st_dev, 0);
}

Result<UniqueFd> open_beneath(const std::string& root, const std::string& relative, int flags,
                              mode_t mode) {
  UniqueFd root_fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root_fd.valid()) return path_error("open", root, errno);
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  while (true) {
    long fd = syscall(SYS_openat2, root_fd.get(), relative.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    // EAGAIN: a rename raced with the check of "..".
    if (errno != EAGAIN && errno != EINTR) return path_error("open", root + "/" + relative, errno);
  }
}

}  // namespace pinnace::io
