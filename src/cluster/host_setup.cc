#include "cluster/host_setup.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "io/files.h"

namespace pinnace::cluster {

namespace {

constexpr char kForwarding[] = "/proc/sys/net/ipv4/ip_forward";
constexpr std::size_t kMaxSwitchBytes = 16;

// Exists while some cluster is why the host forwards. A reboot forgets both.
constexpr std::string_view kForwardingMark = "forwarding-was-off";

std::string forwarding_mark(const Settings& settings) {
  return settings.clusters_run_dir() + '/' + std::string(kForwardingMark);
}

bool is_only_cluster(const Settings& settings) {
  const auto entries = io::list_directory(settings.clusters_run_dir());
  if (!entries) return true;
  return std::ranges::all_of(*entries, [&](const std::string& entry) {
    return entry == kForwardingMark ||
           settings.run_dir == settings.clusters_run_dir() + '/' + entry;
  });
}

Result<void> enable_forwarding(const Settings& settings) {
  auto now = io::read_file(kForwarding, kMaxSwitchBytes);
  if (!now) return std::unexpected(std::move(now.error()));
  if (trim(*now) != "0") return {};
  auto marked = io::write_file_atomic(forwarding_mark(settings), "", 0644);
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
  auto done = enable_forwarding(settings);
  if (done) done = ensure_tmpfs(settings.volatile_dir());
  return done;
}

Result<void> restore_host(const Settings& settings) {
  if (!io::exists(forwarding_mark(settings)) || !is_only_cluster(settings)) return {};
  auto written = io::write_file(kForwarding, "0\n");
  if (written) ::unlink(forwarding_mark(settings).c_str());
  return written;
}

}  // namespace pinnace::cluster
