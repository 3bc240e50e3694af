#include "cluster/progress.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "base/strings.h"
#include "io/fd.h"

namespace pinnace::cluster {

namespace {
constexpr off_t kTailBytes = 16 << 10;
}

void show(std::string_view text) {
  std::fprintf(stdout, "%.*s\n", static_cast<int>(text.size()), text.data());
  std::fflush(stdout);
}

void warn(std::string_view text) {
  std::fprintf(stderr, "pinnace: %.*s\n", static_cast<int>(text.size()), text.data());
}

std::string last_lines(const std::string& path, int count) {
  const io::UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return "";
  const off_t size = lseek(fd.get(), 0, SEEK_END);
  std::string text(static_cast<std::size_t>(std::min(size, kTailBytes)), '\0');
  const ssize_t n =
      pread(fd.get(), text.data(), text.size(), size - static_cast<off_t>(text.size()));
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  const auto lines = split(trim(text), '\n');
  std::string out;
  const std::size_t wanted = static_cast<std::size_t>(count);
  for (std::size_t i = lines.size() > wanted ? lines.size() - wanted : 0; i < lines.size(); ++i) {
    out.append("  ").append(lines[i]).append("\n");
  }
  return out;
}

}  // namespace pinnace::cluster
