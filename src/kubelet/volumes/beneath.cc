#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/strings.h"
#include "kubelet/files.h"
#include "kubelet/volumes/volumes.h"

namespace pinnace::kubelet {
namespace {

int open_beneath(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
}

// Opens `path`, making the directories that are missing, one by one below an open parent.
int open_or_make(int root, const std::string& path) {
  const int found = open_beneath(root, path);
  if (found >= 0 || errno != ENOENT) return found;
  std::string walked;
  int parent = open_beneath(root, ".");
  for (const auto part : split(path, '/')) {
    if (parent < 0) return -1;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      close(parent);
      errno = EXDEV;
      return -1;
    }
    walked += (walked.empty() ? "" : "/") + std::string(part);
    int next = open_beneath(root, walked);
    if (next < 0 && errno == ENOENT) {
      if (mkdirat(parent, std::string(part).c_str(), 0755) != 0 && errno != EEXIST)
        next = -1;
      else
        next = open_beneath(root, walked);
    }
    const int error = errno;
    close(parent);
    errno = error;
    parent = next;
  }
  return parent;
}

}  // namespace

Result<io::UniqueFd> resolve_beneath(const std::string& root, const std::string& below) {
  const io::UniqueFd top(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (top.get() < 0) return errors::system("open " + root, errno);
  io::UniqueFd target(open_or_make(top.get(), below));
  if (target.get() >= 0) return target;
  if (errno == EXDEV || errno == ELOOP) {
    return errors::bad_request("subPath \"" + below + "\" leads out of its volume");
  }
  return errors::system("open subPath " + below, errno);
}

Result<void> bind_to(const io::UniqueFd& open, const std::string& target) {
  struct stat info;
  if (fstat(open.get(), &info) != 0) return errors::system("stat for " + target, errno);
  umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);  // Of the container before.
  if (S_ISDIR(info.st_mode)) {
    if (auto made = make_directories(target); !made) return made;
  } else {
    if (auto made = make_directories(target.substr(0, target.rfind('/'))); !made) return made;
    if (auto made = write_file(target, ""); !made) return made;
  }
  const std::string source = "/proc/self/fd/" + std::to_string(open.get());
  if (mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return errors::system("bind to " + target, errno);
  }
  return {};
}

}  // namespace pinnace::kubelet
