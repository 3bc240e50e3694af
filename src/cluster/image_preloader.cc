#include "cluster/image_preloader.h"

#include <algorithm>

#include "base/log.h"

namespace pinnace::cluster {

void preload_images(registry::ImageStore& images, kubelet::cri::Runtime& runtime,
                    const std::string& first) {
  auto all = images.list();
  if (!all) {
    log::error("loaded images cannot be read", {{"error", all.error().message}});
    return;
  }
  std::stable_partition(all->begin(), all->end(), [&](const registry::Image& image) {
    return image.reference.text() == first;
  });
  for (const auto& image : *all) {
    const std::string name = image.reference.text();
    const auto present = runtime.image_status(name);
    if (present && present->has_value()) continue;
    const auto pulled = runtime.pull_image(name, nullptr);
    if (!pulled) {
      log::warning("a loaded image cannot be given to the runtime",
                   {{"image", name}, {"error", pulled.error().message}});
    }
  }
}

}  // namespace pinnace::cluster
