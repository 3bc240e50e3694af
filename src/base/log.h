// Log lines: one line each on standard error, `key="value"` pairs after the message.
//
//   log::info("pod started", {{"pod", "default/web"}, {"ms", 120}});
//   I1124 10:00:00.123 kubelet: pod started pod="default/web" ms=120
//
// Bounds: a line is cut at 8 KiB. Never log a token, a key or the data of a Secret.
// Threads: any. A line is written with one write(2).
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace pinnace::log {

enum class Level { kDebug, kInfo, kWarning, kError };

struct Field {
  std::string_view key;
  std::string value;
  Field(std::string_view k, std::string_view v);  // quoted
  Field(std::string_view k, const std::string& v) : Field(k, std::string_view(v)) {}
  Field(std::string_view k, const char* v) : Field(k, std::string_view(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  Field(std::string_view k, std::integral auto v) : key(k), value(std::to_string(v)) {}
  Field(std::string_view k, std::floating_point auto v) : key(k), value(std::to_string(v)) {}
};

void set_level(Level level);
bool enabled(Level level);
void write(Level level, std::string_view message, std::initializer_list<Field> fields);

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  if (enabled(Level::kDebug)) write(Level::kDebug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kInfo, message, fields);
}
inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kWarning, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kError, message, fields);
}

}  // namespace pinnace::log
