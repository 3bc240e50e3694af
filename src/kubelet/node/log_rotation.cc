#include "kubelet/node/log_rotation.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/log.h"
#include "base/strings.h"
#include "kubelet/files.h"
#include "kubelet/pod/pod_state.h"

namespace pinnace::kubelet {
namespace {

namespace fs = std::filesystem;

struct LogFile {
  std::string pod_uid, container, restarts;
  fs::path path;
};

std::vector<std::string> names_in(const fs::path& directory) {
  return io::list_directory(directory.string()).value_or(std::vector<std::string>());
}

std::vector<LogFile> find_large(const std::string& log_root, std::uint64_t max_bytes) {
  std::vector<LogFile> out;
  for (const auto& pod : names_in(log_root)) {
    const fs::path pod_dir = fs::path(log_root) / pod;
    for (const auto& container : names_in(pod_dir)) {
      for (const auto& name : names_in(pod_dir / container)) {
        if (!name.ends_with(".log")) continue;
        const fs::path path = pod_dir / container / name;
        struct stat info {};
        if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
        if (static_cast<std::uint64_t>(info.st_size) <= max_bytes) continue;
        out.push_back(
            {pod.substr(pod.rfind('_') + 1), container, name.substr(0, name.size() - 4), path});
      }
    }
  }
  return out;
}

// The running container that writes to the file.
std::optional<std::string> find_writer(cri::Runtime& runtime, const LogFile& file) {
  const auto containers = runtime.list_containers({{std::string(kPodUidLabel), file.pod_uid}});
  if (!containers) return std::nullopt;
  for (const auto& container : *containers) {
    const auto restarts = container.annotations.find(kRestartCountAnnotation);
    if (container.state == cri::ContainerState::kRunning && container.name == file.container &&
        restarts != container.annotations.end() && restarts->second == file.restarts) {
      return container.id;
    }
  }
  return std::nullopt;
}

// "0.log.20260101-120000.123"; names sort by time.
std::string stamp(WallTime now) {
  std::string text = rfc3339_micro(now);
  std::string out;
  for (const char c : text.substr(0, 23)) {
    if (c == 'T')
      out += '-';
    else if (c != '-' && c != ':')
      out += c;
  }
  return out;
}

void remove_oldest(const fs::path& path, std::size_t keep) {
  std::vector<fs::path> old;
  for (const auto& name : names_in(path.parent_path())) {
    if (name.starts_with(path.filename().string() + '.')) old.push_back(path.parent_path() / name);
  }
  for (std::size_t i = 0; i + keep < old.size(); ++i) unlink(old[i].c_str());
}

}  // namespace

void rotate_logs(const std::string& log_root, cri::Runtime& runtime, WallTime now,
                 const LogLimits& limits) {
  for (const auto& file : find_large(log_root, limits.max_bytes)) {
    const auto id = find_writer(runtime, file);
    if (!id) continue;
    const std::string aside = file.path.string() + '.' + stamp(now);
    if (std::rename(file.path.c_str(), aside.c_str()) != 0) continue;
    if (auto reopened = runtime.reopen_log(*id); !reopened) {
      log::warning("cannot rotate a log", {{"error", reopened.error().message}});
      std::rename(aside.c_str(), file.path.c_str());
      continue;
    }
    remove_oldest(file.path, limits.max_files - 1);
  }
}

}  // namespace pinnace::kubelet
