#include "kubelet/node/cgroup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "base/strings.h"
#include "kubelet/files.h"

namespace pinnace::kubelet {
namespace fs = std::filesystem;
namespace {

struct Hierarchies {
  std::map<std::string, std::string, std::less<>> v1;  // Mount point by controller.
  std::vector<std::string> roots;                      // Each mount point once.
  std::string v2;
};

const Hierarchies& hierarchies() {
  static const Hierarchies found = [] {
    Hierarchies out;
    const auto mounts = read_file("/proc/self/mounts");
    if (!mounts) return out;
    for (const auto line : split(*mounts, '\n')) {
      const auto words = split(line, ' ');
      if (words.size() < 4) continue;
      const std::string point(words[1]);
      if (!point.starts_with("/sys/fs/cgroup")) continue;
      if (words[2] == "cgroup2") {
        out.v2 = point;
        out.roots.push_back(point);
      } else if (words[2] == "cgroup") {
        for (const auto option : split(words[3], ',')) out.v1.emplace(option, point);
        out.roots.push_back(point);
      }
    }
    return out;
  }();
  return found;
}

std::string under(std::string_view controller, const std::string& path) {
  const auto found = hierarchies().v1.find(controller);
  return found == hierarchies().v1.end() ? std::string() : found->second + path;
}

std::uint64_t read_number(const std::string& path) {
  const auto text = read_file(path);
  return text ? parse_uint(trim(*text)).value_or(0) : 0;
}

// "KEY NUMBER" lines, as in memory.stat.
std::uint64_t find_number(std::string_view text, std::string_view key) {
  for (const auto line : split(text, '\n')) {
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return parse_uint(line.substr(key.size() + 1)).value_or(0);
    }
  }
  return 0;
}

Result<void> make_v1(const std::string& path, const cri::Resources& limits) {
  for (const char* controller : {"cpu", "memory", "pids"}) {
    const std::string directory = under(controller, path);
    if (directory.empty()) continue;
    if (auto made = make_directories(directory); !made) return made;
  }
  const std::string cpu = under("cpu", path), memory = under("memory", path);
  if (!cpu.empty() && limits.cpu_shares > 0) {
    (void)write_file(cpu + "/cpu.shares", std::to_string(limits.cpu_shares));
  }
  if (!cpu.empty() && limits.cpu_quota > 0) {
    (void)write_file(cpu + "/cpu.cfs_period_us", std::to_string(limits.cpu_period));
    (void)write_file(cpu + "/cpu.cfs_quota_us", std::to_string(limits.cpu_quota));
  }
  if (!memory.empty() && limits.memory_limit_bytes > 0) {
    (void)write_file(memory + "/memory.limit_in_bytes", std::to_string(limits.memory_limit_bytes));
  }
  return {};
}

Result<void> make_v2(const std::string& path, const cri::Resources& limits) {
  const std::string& root = hierarchies().v2;
  // Controllers must be handed down level by level.
  std::string parent = root;
  for (const auto part : split(path, '/')) {
    if (part.empty()) continue;
    for (const char* controller : {"+cpu", "+memory", "+pids", "+io", "+cpuset"}) {
      (void)write_file(parent + "/cgroup.subtree_control", controller);
    }
    parent += '/' + std::string(part);
    if (mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) {
      return errors::system("mkdir " + parent, errno);
    }
  }
  if (limits.cpu_shares > 0) {
    const auto weight = 1 + (limits.cpu_shares - 2) * 9999 / 262142;
    (void)write_file(parent + "/cpu.weight", std::to_string(weight));
  }
  if (limits.cpu_quota > 0) {
    (void)write_file(parent + "/cpu.max",
                     std::to_string(limits.cpu_quota) + ' ' + std::to_string(limits.cpu_period));
  }
  if (limits.memory_limit_bytes > 0) {
    (void)write_file(parent + "/memory.max", std::to_string(limits.memory_limit_bytes));
  }
  return {};
}

void remove_below(const fs::path& directory) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(directory, failed)) {
    if (entry.is_directory(failed)) remove_below(entry.path());
  }
  rmdir(directory.c_str());
}

}  // namespace

bool has_cgroup_v2() { return hierarchies().v1.empty() && !hierarchies().v2.empty(); }

Result<void> make_cgroup(const std::string& path, const cri::Resources& limits) {
  return has_cgroup_v2() ? make_v2(path, limits) : make_v1(path, limits);
}

void remove_cgroup(const std::string& path) {
  for (const auto& root : hierarchies().roots) remove_below(root + path);
}

std::vector<std::string> list_cgroup(const std::string& path) {
  const std::string root = has_cgroup_v2() ? hierarchies().v2 + path : under("memory", path);
  std::vector<std::string> out;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(root, failed)) {
    if (entry.is_directory(failed)) out.push_back(entry.path().filename().string());
  }
  std::ranges::sort(out);
  return out;
}

CgroupUsage cgroup_usage(const std::string& path) {
  CgroupUsage out;
  const bool v2 = has_cgroup_v2();
  const std::string memory = v2 ? hierarchies().v2 + path : under("memory", path);
  const std::string stat = read_file(memory + "/memory.stat").value_or("");
  if (v2) {
    const std::string cpu = read_file(memory + "/cpu.stat").value_or("");
    out.cpu_nanoseconds = find_number(cpu, "usage_usec") * 1000;
    out.memory_bytes = read_number(memory + "/memory.current");
    out.inactive_file_bytes = find_number(stat, "inactive_file");
    out.rss_bytes = find_number(stat, "anon");
    out.page_faults = find_number(stat, "pgfault");
    out.major_page_faults = find_number(stat, "pgmajfault");
    out.processes = read_number(memory + "/pids.current");
    return out;
  }
  out.cpu_nanoseconds = read_number(under("cpuacct", path) + "/cpuacct.usage");
  out.memory_bytes = read_number(memory + "/memory.usage_in_bytes");
  out.inactive_file_bytes = find_number(stat, "total_inactive_file");
  out.rss_bytes = find_number(stat, "total_rss");
  out.page_faults = find_number(stat, "total_pgfault");
  out.major_page_faults = find_number(stat, "total_pgmajfault");
  out.processes = read_number(under("pids", path) + "/pids.current");
  return out;
}

}  // namespace pinnace::kubelet
