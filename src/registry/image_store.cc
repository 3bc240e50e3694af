#include "registry/image_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "api/json.h"
#include "api/value.h"
#include "base/strings.h"
#include "registry/archive.h"
#include "registry/digest.h"
#include "registry/layout.h"

namespace pinnace::registry {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxIndexDepth = 4;

// Holds the store's lock file, so that two processes do not change the names at once.
class FileLock {
 public:
  explicit FileLock(const std::string& path)
      : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (fd_ >= 0) flock(fd_, LOCK_EX);
  }
  ~FileLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileLock(const FileLock&) = delete;

 private:
  int fd_;
};

// A directory that is gone when this is.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::string& parent) : path_(parent + "/unpack-XXXXXX") {
    if (!mkdtemp(path_.data())) path_.clear();
  }
  ~TemporaryDirectory() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return errors::system("cannot read " + path, errno);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<void> write_text(const std::string& path, std::string_view text) {
  const std::string partial = path + ".partial";
  {
    std::ofstream file(partial, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) return errors::system("cannot write " + partial, errno);
  }
  if (::rename(partial.c_str(), path.c_str()) != 0) {
    return errors::system("cannot write " + path, errno);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ImageStore>> ImageStore::open(std::string directory) {
  std::error_code error;
  fs::create_directories(directory + "/blobs/sha256", error);
  if (error) return errors::system("cannot create " + directory, error.value());
  return std::unique_ptr<ImageStore>(new ImageStore(std::move(directory)));
}

std::string ImageStore::blob_path(std::string_view digest) const {
  return directory_ + "/blobs/sha256/" + std::string(digest.substr(digest.find(':') + 1));
}

Result<ImageStore::Names> ImageStore::read_names() const {
  Names names;
  const std::string path = directory_ + "/names.json";
  std::error_code error;
  if (!fs::exists(path, error)) return names;
  auto text = read_text(path);
  if (!text) return std::unexpected(std::move(text.error()));
  api::Arena arena;
  auto parsed = api::parse_json(arena, *text);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  for (const auto& [name, entry] : parsed->members()) {
    names[std::string(name)] = {std::string(entry.string_at("digest")),
                                std::string(entry.string_at("mediaType")),
                                static_cast<std::uint64_t>(entry.int_at("size"))};
  }
  return names;
}

Result<void> ImageStore::write_names(const Names& names) const {
  api::Arena arena;
  api::Value all = api::Value::object();
  for (const auto& [name, descriptor] : names) {
    api::Value entry = api::Value::object();
    entry.set(arena, "digest", api::Value::string_ref(descriptor.digest));
    entry.set(arena, "mediaType", api::Value::string_ref(descriptor.media_type));
    entry.set(arena, "size", api::Value::integer(static_cast<std::int64_t>(descriptor.size_bytes)));
    all.set(arena, name, entry);
  }
  return write_text(directory_ + "/names.json", api::to_json_text(all));
}

Result<std::vector<Reference>> ImageStore::load(const std::string& path) {
  std::lock_guard guard(mutex_);
  FileLock lock(directory_ + "/lock");
  std::error_code error;
  if (!fs::exists(path, error)) return errors::bad_request("there is no file " + path);
  TemporaryDirectory scratch(directory_);
  if (scratch.path().empty()) return errors::system("cannot write below " + directory_, errno);
  std::string root = path;
  if (!fs::is_directory(path, error)) {
    auto unpacked = unpack(path, scratch.path());
    if (!unpacked) return std::unexpected(std::move(unpacked.error()));
    root = scratch.path();
  }
  auto layout = read_layout(root);
  if (!layout) {
    layout.error().message = path + ": " + layout.error().message;
    return std::unexpected(std::move(layout.error()));
  }
  for (const auto& blob : layout->blobs) {
    const std::string target = blob_path(blob.digest);
    if (fs::exists(target, error)) continue;
    if (blob.path.empty()) {
      auto written = write_text(target, blob.contents);
      if (!written) return std::unexpected(std::move(written.error()));
    } else {
      fs::copy_file(blob.path, target + ".partial", fs::copy_options::overwrite_existing, error);
      if (!error) fs::rename(target + ".partial", target, error);
      if (error) return errors::system("cannot write " + target, error.value());
    }
  }
  auto names = read_names();
  if (!names) return std::unexpected(std::move(names.error()));
  std::vector<Reference> loaded;
  for (const auto& [reference, descriptor] : layout->images) {
    std::map<std::string, std::uint64_t> found;
    auto complete = reach(descriptor, found);
    if (!complete) return std::unexpected(std::move(complete.error()));
    (*names)[reference.text()] = descriptor;
    loaded.push_back(reference);
  }
  auto written = write_names(*names);
  if (!written) return std::unexpected(std::move(written.error()));
  return loaded;
}

Result<void> ImageStore::tag(const Reference& source, const Reference& target) {
  if (!target.digest.empty()) {
    return errors::bad_request("the new name of an image cannot have a digest");
  }
  auto descriptor = resolve(source);
  if (!descriptor) return std::unexpected(std::move(descriptor.error()));
  std::lock_guard guard(mutex_);
  FileLock lock(directory_ + "/lock");
  auto names = read_names();
  if (!names) return std::unexpected(std::move(names.error()));
  (*names)[target.text()] = *descriptor;
  return write_names(*names);
}

Result<void> ImageStore::remove(const Reference& reference) {
  std::lock_guard guard(mutex_);
  FileLock lock(directory_ + "/lock");
  auto names = read_names();
  if (!names) return std::unexpected(std::move(names.error()));
  if (names->erase(reference.text()) == 0) {
    return errors::not_found("image", reference.familiar());
  }
  auto written = write_names(*names);
  return written ? sweep(*names) : written;
}

Result<void> ImageStore::reach(const Descriptor& descriptor,
                               std::map<std::string, std::uint64_t>& found, int depth) const {
  if (!is_digest(descriptor.digest)) {
    return errors::bad_request("\"" + descriptor.digest + "\" is not a digest");
  }
  if (depth > kMaxIndexDepth) return errors::bad_request("an index lists indexes too deeply");
  std::error_code error;
  const auto size = fs::file_size(blob_path(descriptor.digest), error);
  if (error) {
    // An index may list other machines' images that the archive left out.
    if (depth > 0 && is_manifest_type(descriptor.media_type)) return {};
    return errors::bad_request("the archive lacks blob " + descriptor.digest);
  }
  if (!found.emplace(descriptor.digest, size).second) return {};
  if (!is_manifest_type(descriptor.media_type)) return {};
  auto text = read_text(blob_path(descriptor.digest));
  if (!text) return std::unexpected(std::move(text.error()));
  auto references = manifest_references(*text);
  if (!references) return std::unexpected(std::move(references.error()));
  for (const auto& each : *references) {
    auto reached = reach(each, found, depth + 1);
    if (!reached) return reached;
  }
  return {};
}

Result<void> ImageStore::sweep(const Names& names) const {
  std::map<std::string, std::uint64_t> wanted;
  for (const auto& [name, descriptor] : names) {
    auto reached = reach(descriptor, wanted);
    if (!reached) return reached;
  }
  std::error_code error;
  for (const auto& file : fs::directory_iterator(directory_ + "/blobs/sha256", error)) {
    if (!wanted.contains("sha256:" + file.path().filename().string())) {
      fs::remove(file.path(), error);
    }
  }
  return {};
}

Result<std::vector<Image>> ImageStore::list() {
  std::lock_guard guard(mutex_);
  auto names = read_names();
  if (!names) return std::unexpected(std::move(names.error()));
  std::vector<Image> images;
  for (const auto& [name, descriptor] : *names) {
    auto reference = parse_reference(name);
    if (!reference) return std::unexpected(std::move(reference.error()));
    Image image{std::move(*reference), descriptor, 0};
    std::map<std::string, std::uint64_t> found;
    auto reached = reach(descriptor, found);
    if (!reached) return std::unexpected(std::move(reached.error()));
    for (const auto& [digest, size] : found) image.size_bytes += size;
    images.push_back(std::move(image));
  }
  return images;
}

Result<Descriptor> ImageStore::resolve(const Reference& reference) {
  std::lock_guard guard(mutex_);
  auto names = read_names();
  if (!names) return std::unexpected(std::move(names.error()));
  if (!reference.digest.empty()) {
    // A digest is right whatever name it is asked under, if some image of ours reaches it.
    for (const auto& [name, descriptor] : *names) {
      if (descriptor.digest == reference.digest) return descriptor;
      auto text = read_text(blob_path(descriptor.digest));
      if (!text) continue;
      auto references = manifest_references(*text);
      if (!references) continue;
      for (const auto& each : *references) {
        if (each.digest == reference.digest && is_manifest_type(each.media_type)) return each;
      }
    }
  } else if (const auto found = names->find(reference.text()); found != names->end()) {
    return found->second;
  }
  return errors::not_found("image", reference.familiar());
}

}  // namespace pinnace::registry
