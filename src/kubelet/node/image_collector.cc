#include "kubelet/node/image_collector.h"

#include <algorithm>

#include "base/log.h"
#include "kubelet/node/machine.h"

namespace pinnace::kubelet {
namespace {

constexpr std::chrono::minutes kPeriod{5}, kMinAge{2};
constexpr std::uint64_t kHighPercent = 85, kLowPercent = 80;

}  // namespace

std::vector<std::string> images_to_remove(const std::vector<ImageRecord>& unused,
                                          std::uint64_t bytes_to_free, WallTime now) {
  std::vector<const ImageRecord*> oldest;
  for (const auto& record : unused) {
    if (!record.image.pinned && now - record.first_seen >= kMinAge) oldest.push_back(&record);
  }
  std::ranges::sort(oldest, [](const auto* a, const auto* b) {
    return a->last_used != b->last_used ? a->last_used < b->last_used
                                        : a->first_seen < b->first_seen;
  });
  std::vector<std::string> out;
  std::uint64_t freed = 0;
  for (const auto* record : oldest) {
    if (freed >= bytes_to_free) break;
    out.push_back(record->image.id);
    freed += record->image.size_bytes;
  }
  return out;
}

ImageCollector::ImageCollector(Options options)
    : options_(std::move(options)),
      repeater_(options_.executor, options_.pool, [this] { return collect(); }) {}

Result<std::vector<ImageRecord>> ImageCollector::unused_images(WallTime now) {
  auto images = options_.runtime.list_images();
  if (!images) return std::unexpected(std::move(images.error()));
  auto containers = options_.runtime.list_containers({});
  if (!containers) return std::unexpected(std::move(containers.error()));
  std::set<std::string> used{options_.pause_image};
  for (const auto& container : *containers) {
    used.insert(container.image);
    used.insert(container.image_ref);
  }
  const auto is_used = [&](const cri::Image& image) {
    const auto named = [&](const std::string& name) { return used.contains(name); };
    return named(image.id) || std::ranges::any_of(image.tags, named) ||
           std::ranges::any_of(image.digests, named);
  };
  std::map<std::string, ImageRecord> records;
  std::vector<ImageRecord> unused;
  for (auto& image : *images) {
    const auto old = records_.find(image.id);
    ImageRecord record{std::move(image), now, {}};
    if (old != records_.end()) {
      record.first_seen = old->second.first_seen;
      record.last_used = old->second.last_used;
    }
    if (is_used(record.image))
      record.last_used = now;
    else
      unused.push_back(record);
    records.emplace(record.image.id, std::move(record));
  }
  records_ = std::move(records);
  return unused;
}

// Down to the low mark, once the high one is reached.
std::uint64_t ImageCollector::bytes_to_free() const {
  const auto places = options_.runtime.image_filesystems();
  if (!places || places->empty()) return 0;
  const Filesystem fs = read_filesystem(places->front().mountpoint);
  if (fs.capacity_bytes == 0) return 0;
  const std::uint64_t used = fs.capacity_bytes - std::min(fs.available_bytes, fs.capacity_bytes);
  const std::uint64_t one_percent = fs.capacity_bytes / 100;
  return used < one_percent * kHighPercent ? 0 : used - one_percent * kLowPercent;
}

Duration ImageCollector::collect() {
  const WallTime now = options_.clock.wall();
  const auto unused = unused_images(now);
  if (!unused) {
    log::warning("cannot list images", {{"error", unused.error().message}});
    return kPeriod;
  }
  if (const auto wanted = bytes_to_free(); wanted > 0) {
    remove(images_to_remove(*unused, wanted, now), wanted);
  }
  return kPeriod;
}

void ImageCollector::remove(const std::vector<std::string>& ids, std::uint64_t wanted_bytes) {
  std::uint64_t freed = 0;
  for (const auto& id : ids) {
    if (auto removed = options_.runtime.remove_image(id); !removed) {
      log::warning("cannot remove an image", {{"image", id}, {"error", removed.error().message}});
      continue;
    }
    log::info("an unused image was removed", {{"image", id}});
    freed += records_[id].image.size_bytes;
    records_.erase(id);
  }
  if (!ids.empty()) options_.removed();
  if (freed >= wanted_bytes) return;
  options_.events(options_.node, kWarning, "FreeDiskSpaceFailed",
                  "Failed to garbage collect required amount of images. Attempted to free " +
                      std::to_string(wanted_bytes) + " bytes, but only found " +
                      std::to_string(freed) + " bytes eligible to free.");
}

}  // namespace pinnace::kubelet
