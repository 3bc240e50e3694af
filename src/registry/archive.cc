#include "registry/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace pinnace::registry {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxEntries = 10'000;
constexpr std::size_t kMaxNameBytes = 512;
constexpr std::size_t kReadBytes = 1 << 16;

struct ArchiveCloser {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

// The name in its plainest form; "" when it is absolute or would leave the directory.
std::string safe_name(const fs::path& name) {
  if (name.is_absolute() || name.native().size() > kMaxNameBytes) return "";
  const std::string plain = name.lexically_normal().generic_string();
  if (plain.starts_with("..") || plain == "." || plain.empty()) return "";
  return plain.ends_with('/') ? plain.substr(0, plain.size() - 1) : plain;
}

Result<void> write_entry(archive* reader, const fs::path& path) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return errors::system("cannot create " + path.string(), errno);
  const int result = archive_read_data_into_fd(reader, fd);
  const int saved_errno = archive_errno(reader);
  if (::close(fd) != 0) return errors::system("cannot write " + path.string(), errno);
  if (result != ARCHIVE_OK) return errors::system("cannot unpack " + path.string(), saved_errno);
  return {};
}

}  // namespace

Result<void> unpack(const std::string& archive_path, const std::string& directory) {
  const std::unique_ptr<archive, ArchiveCloser> reader(archive_read_new());
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_tar(reader.get());
  const auto wrong = [&](std::string_view why) {
    return errors::bad_request(archive_path + " is not an image archive: " + std::string(why));
  };
  if (archive_read_open_filename(reader.get(), archive_path.c_str(), kReadBytes) != ARCHIVE_OK) {
    return wrong(archive_error_string(reader.get()));
  }
  std::vector<std::pair<std::string, std::string>> links;
  archive_entry* entry = nullptr;
  for (int count = 0;; ++count) {
    const int result = archive_read_next_header(reader.get(), &entry);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) return wrong(archive_error_string(reader.get()));
    if (count == kMaxEntries) return wrong("it has more than 10,000 entries");
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    const std::string name = safe_name(archive_entry_pathname(entry));
    if (name.empty()) return wrong("an entry's name leaves the archive");
    const char* link = archive_entry_hardlink(entry);
    if (!link && archive_entry_filetype(entry) == AE_IFLNK) link = archive_entry_symlink(entry);
    if (link) {
      const bool from_root = archive_entry_hardlink(entry) != nullptr;
      links.emplace_back(
          name, safe_name(from_root ? fs::path(link) : fs::path(name).parent_path() / link));
      if (links.back().second.empty()) return wrong("a link leaves the archive");
    } else if (archive_entry_filetype(entry) == AE_IFREG) {
      auto written = write_entry(reader.get(), fs::path(directory) / name);
      if (!written) return written;
    }
  }
  for (const auto& [name, target] : links) {
    std::error_code error;
    fs::create_directories((fs::path(directory) / name).parent_path(), error);
    fs::copy_file(fs::path(directory) / target, fs::path(directory) / name, error);
    if (error) return wrong("a link names a file that is not in it");
  }
  return {};
}

}  // namespace pinnace::registry
