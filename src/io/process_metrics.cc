#include "io/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "io/files.h"

namespace pinnace::io {
namespace {

// Fields of /proc/self/stat, from 1, as proc(5) counts them.
constexpr std::size_t kUserTicks = 14, kSystemTicks = 15, kStartTicks = 22, kVirtualBytes = 23,
                      kResidentPages = 24;
// The second is the program's name, in parentheses, with whatever signs it has.
constexpr std::size_t kFirstAfterName = 3;
constexpr double kNoLimit = 18446744073709551615.0;

class Stat {
 public:
  explicit Stat(std::string_view text) {
    const auto name_end = text.rfind(')');
    if (name_end == std::string_view::npos) return;
    for (const std::string_view word : split(trim(text.substr(name_end + 1)), ' ')) {
      words_.emplace_back(word);
    }
  }
  std::optional<double> field(std::size_t number) const {
    const std::size_t at = number - kFirstAfterName;
    const auto value = at < words_.size() ? parse_uint(words_[at]) : std::nullopt;
    return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
  }

 private:
  std::vector<std::string> words_;
};

// When the system began, in seconds since 1970.
std::optional<double> boot_time() {
  const auto text = read_file("/proc/stat");
  if (!text) return std::nullopt;
  for (const std::string_view line : split(*text, '\n')) {
    constexpr std::string_view kBegan = "btime ";
    if (!line.starts_with(kBegan)) continue;
    const auto seconds = parse_uint(trim(line.substr(kBegan.size())));
    return seconds ? std::optional(static_cast<double>(*seconds)) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> open_files() {
  const auto files = list_directory("/proc/self/fd");
  // One of them was this look.
  return files ? std::optional(static_cast<double>(files->size()) - 1) : std::nullopt;
}

}  // namespace

void publish_process(metrics::Registry& registry) {
  const auto gauge = [&](const char* name, const char* help, std::optional<double> value) {
    if (value) registry.gauge(name, help).with().set(*value);
  };
  const auto stat_text = read_file("/proc/self/stat");
  const Stat stat(stat_text ? *stat_text : std::string());
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto user = stat.field(kUserTicks), system = stat.field(kSystemTicks);
  if (user && system) {
    registry.counter("process_cpu_seconds_total", "Time on processors.")
        .with()
        .set((*user + *system) / ticks);
  }
  const auto began = boot_time(), start = stat.field(kStartTicks);
  if (began && start) {
    gauge("process_start_time_seconds", "When it began, since 1970.", *began + *start / ticks);
  }
  gauge("process_virtual_memory_bytes", "Addresses in use.", stat.field(kVirtualBytes));
  if (const auto pages = stat.field(kResidentPages)) {
    gauge("process_resident_memory_bytes", "Memory in use.",
          *pages * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  gauge("process_open_fds", "Open files.", open_files());
  const auto limit = [](auto resource) -> std::optional<double> {
    rlimit most{};
    if (getrlimit(resource, &most) != 0) return std::nullopt;
    return most.rlim_cur == RLIM_INFINITY ? kNoLimit : static_cast<double>(most.rlim_cur);
  };
  gauge("process_max_fds", "The most open files.", limit(RLIMIT_NOFILE));
  gauge("process_virtual_memory_max_bytes", "The most addresses.", limit(RLIMIT_AS));
}

}  // namespace pinnace::io
