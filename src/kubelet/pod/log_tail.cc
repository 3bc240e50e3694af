#include "kubelet/pod/log_tail.h"

#include <fcntl.h>
#include <unistd.h>

#include "kubelet/server/log_reader.h"

namespace pinnace::kubelet {

std::optional<std::string> read_head(const std::string& path, std::size_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  std::string text(max_bytes, '\0');
  const ssize_t got = read(fd, text.data(), text.size());
  close(fd);
  if (got <= 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(got));
  return text;
}

std::string log_tail(const std::string& path, int max_lines, std::size_t max_bytes) {
  LogOptions options;
  options.tail_lines = max_lines;
  LogReader reader(path, options);
  std::string text;
  while (reader.read(text, max_bytes)) {
    if (text.size() > 64 * max_bytes) break;
  }
  if (text.size() > max_bytes) text.erase(0, text.size() - max_bytes);
  return text;
}

}  // namespace pinnace::kubelet
