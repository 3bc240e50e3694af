#include "cluster/bundled_images.h"

#include <filesystem>

#include "io/files.h"
#include "registry/image_store.h"

namespace pinnace::cluster {

Option images_option() {
  return {"images", "DIR", "archives to load (images/ beside the program)"};
}

Result<void> load_bundled_images(const Settings& settings, const Arguments& arguments) {
  if (!settings.owns_runtime()) return {};
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const std::string directory = arguments.get("images", program.parent_path().string() + "/images");
  auto store = registry::ImageStore::open(settings.images_dir());
  if (!store) return std::unexpected(std::move(store.error()));
  const auto names = io::list_directory(directory);
  if (!names) {
    if ((*store)->resolve(*registry::parse_reference("pinnace/pause:1"))) return {};
    return errors::bad_request("the images of Pinnace are not in " + directory +
                               "; say where they are with --images");
  }
  for (const auto& name : *names) {
    if (!name.ends_with(".tar")) continue;
    const std::string archive = directory + '/' + name;
    const std::string mark = settings.images_dir() + "/loaded-" + name;
    std::error_code error;
    if (std::filesystem::last_write_time(mark, error) >=
            std::filesystem::last_write_time(archive, error) &&
        !error) {
      continue;
    }
    auto loaded = (*store)->load(archive);
    if (!loaded) return std::unexpected(std::move(loaded.error()));
    auto marked = io::write_file_atomic(mark, "", 0644);
    if (!marked) return marked;
  }
  return {};
}

}  // namespace pinnace::cluster
