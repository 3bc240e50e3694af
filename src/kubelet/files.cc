#include "kubelet/files.h"

#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/strings.h"

namespace pinnace::kubelet {

Result<void> remove_mounted_tree(const std::string& path) {
  const auto mounts = read_file("/proc/self/mounts", 16u << 20);
  if (!mounts) return std::unexpected(mounts.error());
  std::vector<std::string> below;
  for (const auto line : split(*mounts, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() < 2) continue;
    if (words[1] == path || words[1].starts_with(path + '/')) below.emplace_back(words[1]);
  }
  std::ranges::sort(below, std::greater());  // The inner ones first.
  for (const auto& mount : below) {
    if (umount2(mount.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL) {
      return errors::system("unmount " + mount, errno);
    }
  }
  return io::remove_tree(path);
}

}  // namespace pinnace::kubelet
