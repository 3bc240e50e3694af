#include "kubelet/node/machine.h"

#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/strings.h"
#include "kubelet/files.h"

namespace pinnace::kubelet {
namespace {

std::string read_trimmed(const std::string& path) {
  const auto text = read_file(path, 64 << 10);
  return text ? std::string(trim(*text)) : std::string();
}

std::string go_architecture(std::string_view machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  if (machine.starts_with("armv")) return "arm";
  if (machine == "i686" || machine == "i386") return "386";
  return std::string(machine);
}

// PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
std::string os_image() {
  const std::string text = read_trimmed("/etc/os-release");
  constexpr std::string_view key = "PRETTY_NAME=";
  for (std::string_view line : split(text, '\n')) {
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    if (line.size() >= 2 && line.front() == '"' && line.back() == '"') {
      line = line.substr(1, line.size() - 2);
    }
    return std::string(line);
  }
  return "Linux";
}

// "MemTotal:       16316412 kB"
std::int64_t meminfo_bytes(std::string_view key) {
  const std::string text = read_trimmed("/proc/meminfo");
  for (std::string_view line : split(text, '\n')) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ':') continue;
    line = trim(line.substr(key.size() + 1));
    return parse_int(line.substr(0, line.find(' '))).value_or(0) * 1024;
  }
  return 0;
}

}  // namespace

Machine read_machine() {
  Machine out;
  out.machine_id = read_trimmed("/etc/machine-id");
  out.system_uuid = to_lower(read_trimmed("/sys/class/dmi/id/product_uuid"));
  if (out.system_uuid.empty()) out.system_uuid = out.machine_id;
  out.boot_id = read_trimmed("/proc/sys/kernel/random/boot_id");
  utsname names{};
  if (uname(&names) == 0) {
    out.kernel_version = names.release;
    out.architecture = go_architecture(names.machine);
  }
  out.os_image = os_image();
  out.cpus = sysconf(_SC_NPROCESSORS_ONLN);
  out.memory_bytes = meminfo_bytes("MemTotal");
  return out;
}

Filesystem read_filesystem(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) return {};
  return {info.f_blocks * info.f_frsize, info.f_bavail * info.f_frsize, info.f_files,
          info.f_favail};
}

std::int64_t read_available_memory_bytes() { return meminfo_bytes("MemAvailable"); }

}  // namespace pinnace::kubelet
