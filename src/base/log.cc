#include "base/log.h"

#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

namespace pinnace::log {

namespace {

constexpr std::size_t kMaxLineBytes = 8192;
std::atomic<Level> current_level{Level::kInfo};

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += '?';
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

Field::Field(std::string_view k, std::string_view v) : key(k) { append_quoted(value, v); }

void set_level(Level level) { current_level = level; }
bool enabled(Level level) { return level >= current_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm local{};
  gmtime_r(&now.tv_sec, &local);
  char head[40];
  std::snprintf(head, sizeof head, "%c%02d%02d %02d:%02d:%02d.%03d ",
                "DIWE"[static_cast<int>(level)], local.tm_mon + 1, local.tm_mday, local.tm_hour,
                local.tm_min, local.tm_sec, static_cast<int>(now.tv_nsec / 1'000'000));
  std::string line(head);
  line += message;
  for (const auto& field : fields) {
    line.append(" ").append(field.key).append("=").append(field.value);
  }
  if (line.size() >= kMaxLineBytes) line.resize(kMaxLineBytes - 1);
  line += '\n';
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace pinnace::log
