#include "cluster/host_setup.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include <cerrno>
#include <filesystem>

#include "base/strings.h"
#include "cluster/containerd.h"
#include "io/files.h"

namespace pinnace::cluster {

namespace {

constexpr char kForwarding[] = "/proc/sys/net/ipv4/ip_forward";
constexpr std::size_t kMaxSwitchBytes = 16;

// In the run directory of the cluster that has to switch forwarding off when it goes. A reboot
// forgets both.
constexpr std::string_view kForwardingMark = "/forwarding-was-off";

std::string network_of(const std::string& process) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/" + process + "/ns/net", error);
}

// The run directory of another cluster that runs on the same network; empty if there is none.
std::string neighbor(const Settings& settings) {
  const std::string all = std::filesystem::path(settings.run_dir).parent_path();
  const auto entries = io::list_directory(all);
  for (const auto& entry : entries ? *entries : std::vector<std::string>()) {
    const std::string run_dir = all + '/' + entry;
    if (run_dir == settings.run_dir) continue;
    const int pid = running_pid(run_dir + "/pinnace.pid", "pinnace");
    if (pid != 0 && network_of(std::to_string(pid)) == network_of("self")) return run_dir;
  }
  return "";
}

Result<void> enable_forwarding(const Settings& settings) {
  auto now = io::read_file(kForwarding, kMaxSwitchBytes);
  if (!now) return std::unexpected(std::move(now.error()));
  if (trim(*now) != "0") return {};
  auto marked = io::write_file_atomic(settings.run_dir + std::string(kForwardingMark), "", 0644);
  if (!marked) return marked;
  return io::write_file(kForwarding, "1\n");
}

Result<void> ensure_tmpfs(const std::string& path) {
  auto made = io::make_directories(path, 0711);
  if (!made) return made;
  struct statfs where {};
  if (statfs(path.c_str(), &where) == 0 && where.f_type == TMPFS_MAGIC) return {};
  if (mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0711") != 0) {
    return errors::system("cannot mount a tmpfs at " + path, errno);
  }
  return {};
}

}  // namespace

Result<void> prepare_host(const Settings& settings) {
  auto done = ensure_tmpfs(settings.volatile_dir());  // First: it makes the run directory.
  if (done) done = enable_forwarding(settings);
  return done;
}

Result<void> restore_host(const Settings& settings) {
  const std::string mark = settings.run_dir + std::string(kForwardingMark);
  if (!io::exists(mark)) return {};
  const std::string heir = neighbor(settings);
  if (!heir.empty()) return io::write_file_atomic(heir + std::string(kForwardingMark), "", 0644);
  return io::write_file(kForwarding, "0\n");
}

}  // namespace pinnace::cluster
