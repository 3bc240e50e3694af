#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "cluster/commands.h"
#include "cluster/containerd.h"
#include "cluster/progress.h"
#include "kubelet/cri/runtime.h"
#include "registry/image_store.h"

namespace pinnace::cluster::command {

namespace {

struct Images {
  Settings settings;
  std::unique_ptr<registry::ImageStore> store;
};

Result<Images> open_images(const Arguments& arguments) {
  auto settings = resolve_settings(arguments);
  if (!settings) return std::unexpected(std::move(settings.error()));
  auto store = registry::ImageStore::open(settings->images_dir());
  if (!store) return std::unexpected(std::move(store.error()));
  return Images{std::move(*settings), std::move(*store)};
}

// The cluster's runtime, if it runs; nullptr otherwise.
std::unique_ptr<kubelet::cri::Runtime> running_runtime(const Settings& settings) {
  if (settings.owns_runtime() && running_pid(settings.containerd_pid_file(), "containerd") == 0) {
    return nullptr;
  }
  auto runtime = kubelet::cri::connect(settings.runtime_socket());
  return runtime ? std::move(*runtime) : nullptr;
}

// Makes the runtime have what the store has under that name, so that a pod with the pull policy
// Never finds it. Without a running cluster the next `up` does it.
Result<void> give_to_runtime(const Settings& settings, const registry::Reference& reference) {
  const auto runtime = running_runtime(settings);
  if (!runtime) return {};
  auto pulled = runtime->pull_image(reference.text(), nullptr);
  if (!pulled) return std::unexpected(std::move(pulled.error()));
  return {};
}

Result<void> load(const Arguments& arguments) {
  auto images = open_images(arguments);
  if (!images) return std::unexpected(std::move(images.error()));
  for (const auto& path : arguments.positional) {
    auto loaded = images->store->load(path);
    if (!loaded) return std::unexpected(std::move(loaded.error()));
    for (const auto& reference : *loaded) {
      auto given = give_to_runtime(images->settings, reference);
      if (!given) return given;
      show("Loaded " + reference.familiar());
    }
  }
  return {};
}

Result<void> tag(const Arguments& arguments) {
  auto images = open_images(arguments);
  if (!images) return std::unexpected(std::move(images.error()));
  auto source = registry::parse_reference(arguments.positional[0]);
  if (!source) return std::unexpected(std::move(source.error()));
  auto target = registry::parse_reference(arguments.positional[1]);
  if (!target) return std::unexpected(std::move(target.error()));
  auto tagged = images->store->tag(*source, *target);
  if (!tagged) return tagged;
  auto given = give_to_runtime(images->settings, *target);
  if (!given) return given;
  show("Tagged " + target->familiar());
  return {};
}

std::string size_text(std::uint64_t bytes) {
  char text[32];
  if (bytes < 1 << 20) {
    std::snprintf(text, sizeof text, "%.1f KiB", static_cast<double>(bytes) / (1 << 10));
  } else {
    std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  }
  return text;
}

Result<void> list(const Arguments& arguments) {
  auto images = open_images(arguments);
  if (!images) return std::unexpected(std::move(images.error()));
  auto all = images->store->list();
  if (!all) return std::unexpected(std::move(all.error()));
  std::size_t width = 5;
  for (const auto& image : *all) width = std::max(width, image.reference.familiar().size());
  const auto row = [&](std::string name, std::string_view digest, std::string_view size) {
    name.resize(width + 3, ' ');
    std::string line = name + std::string(digest);
    line.resize(width + 3 + 15, ' ');
    show(line + std::string(size));
  };
  row("IMAGE", "DIGEST", "SIZE");
  for (const auto& image : *all) {
    row(image.reference.familiar(), std::string_view(image.manifest.digest).substr(7, 12),
        size_text(image.size_bytes));
  }
  return {};
}

Result<void> remove_images(const Arguments& arguments) {
  auto images = open_images(arguments);
  if (!images) return std::unexpected(std::move(images.error()));
  const auto runtime = running_runtime(images->settings);
  for (const auto& name : arguments.positional) {
    auto reference = registry::parse_reference(name);
    if (!reference) return std::unexpected(std::move(reference.error()));
    auto removed = images->store->remove(*reference);
    if (!removed) return removed;
    if (runtime) removed = runtime->remove_image(reference->text());
    if (!removed && removed.error().code != 404) return removed;
    show("Removed " + reference->familiar());
  }
  return {};
}

constexpr std::size_t kMany = 1000;

}  // namespace

Command image_load() {
  return {.name = "image load",
          .arguments = "FILE|DIR...",
          .min_arguments = 1,
          .max_arguments = kMany,
          .summary = "Bring OCI or docker image archives, or OCI layout directories, in",
          .examples = "  docker save web:2 -o web.tar && pinnace image load web.tar\n",
          .options = locating_options(),
          .run = load};
}

Command image_tag() {
  return {.name = "image tag",
          .arguments = "SOURCE TARGET",
          .min_arguments = 2,
          .max_arguments = 2,
          .summary = "Give a loaded image a second name",
          .examples = "  pinnace image tag pinnace/hello:1 example.com/team/web:latest\n",
          .options = locating_options(),
          .run = tag};
}

Command image_list() {
  return {.name = "image ls",
          .summary = "List the images that were loaded",
          .options = locating_options(),
          .run = list};
}

Command image_remove() {
  return {.name = "image rm",
          .arguments = "IMAGE...",
          .min_arguments = 1,
          .max_arguments = kMany,
          .summary = "Remove loaded images",
          .options = locating_options(),
          .run = remove_images};
}

}  // namespace pinnace::cluster::command
