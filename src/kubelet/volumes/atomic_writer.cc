#include "kubelet/volumes/atomic_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>

#include "base/strings.h"
#include "kubelet/files.h"

namespace pinnace::kubelet {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kDataLink = "..data";
constexpr std::size_t kMaxPath = 4096;

Result<void> check_path(const std::string& path) {
  if (path.empty() || path.size() > kMaxPath || path.front() == '/' || path.starts_with("..")) {
    return errors::bad_request("invalid path \"" + path + "\" in a volume");
  }
  for (const auto part : split(path, '/')) {
    if (part == ".." || part.empty()) {
      return errors::bad_request("invalid path \"" + path + "\" in a volume");
    }
  }
  return {};
}

std::string first_part(const std::string& path) { return path.substr(0, path.find('/')); }

// What the volume holds now.
bool holds(const fs::path& data, const Payload& payload) {
  std::error_code failed;
  std::size_t files = 0;
  for (auto it = fs::recursive_directory_iterator(data, failed);
       !failed && it != fs::recursive_directory_iterator(); it.increment(failed)) {
    if (it->is_directory(failed)) continue;
    const auto found = payload.find(it->path().lexically_relative(data).string());
    if (found == payload.end()) return false;
    const auto text = read_file(it->path().string(), found->second.data.size() + 1);
    if (!text || *text != found->second.data) return false;
    ++files;
  }
  return !failed && files == payload.size();
}

Result<void> write_all(const fs::path& directory, const Payload& payload,
                       std::optional<std::int64_t> group) {
  for (const auto& [path, file] : payload) {
    const fs::path target = directory / path;
    std::error_code failed;
    fs::create_directories(target.parent_path(), failed);
    if (failed) return errors::system("mkdir " + target.parent_path().string(), failed.value());
    const std::uint32_t mode = group ? file.mode | 0440 : file.mode;
    if (auto written = write_file(target.string(), file.data, mode); !written) return written;
    if (chmod(target.c_str(), mode) != 0) return errors::system("chmod " + target.string(), errno);
    if (group && lchown(target.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(*group)) != 0) {
      return errors::system("chown " + target.string(), errno);
    }
  }
  return {};
}

Result<void> point_data_at(const fs::path& directory, const std::string& target) {
  const fs::path link = directory / kDataLink;
  const fs::path temporary = directory / "..data_tmp";
  unlink(temporary.c_str());
  if (symlink(target.c_str(), temporary.c_str()) != 0 ||
      rename(temporary.c_str(), link.c_str()) != 0) {
    return errors::system("link " + link.string(), errno);
  }
  return {};
}

// Makes "name -> ..data/name" for each first part, and drops links to what is no longer there.
Result<void> link_names(const fs::path& directory, const Payload& payload) {
  std::set<std::string> wanted;
  for (const auto& [path, file] : payload) wanted.insert(first_part(path));
  for (const auto& name : wanted) {
    const std::string target = std::string(kDataLink) + '/' + name;
    if (symlink(target.c_str(), (directory / name).c_str()) != 0 && errno != EEXIST) {
      return errors::system("link " + (directory / name).string(), errno);
    }
  }
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(directory, failed)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("..") && !wanted.contains(name)) unlink(entry.path().c_str());
  }
  return {};
}

}  // namespace

Result<bool> write_atomically(const std::string& directory, const Payload& payload,
                              std::optional<std::int64_t> group) {
  for (const auto& [path, file] : payload) {
    if (auto checked = check_path(path); !checked) return std::unexpected(checked.error());
  }
  std::error_code failed;
  fs::create_directories(directory, failed);
  if (failed) return errors::system("mkdir " + directory, failed.value());
  const fs::path root(directory);
  const fs::path old = fs::read_symlink(root / kDataLink, failed);
  const bool had_data = !failed;
  if (had_data && holds(root / old, payload)) return false;

  std::string made = directory + "/..v_XXXXXX";
  if (mkdtemp(made.data()) == nullptr) return errors::system("mkdir " + made, errno);
  chmod(made.c_str(), 0755);
  auto done = write_all(made, payload, group);
  if (done) done = point_data_at(root, fs::path(made).filename().string());
  if (!done) {
    fs::remove_all(made, failed);
    return std::unexpected(std::move(done.error()));
  }
  if (auto linked = link_names(root, payload); !linked) return std::unexpected(linked.error());
  if (had_data && !old.empty()) fs::remove_all(root / old, failed);
  return true;
}

}  // namespace pinnace::kubelet
