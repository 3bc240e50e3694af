#include "client/shared_objects.h"

#include <algorithm>

#include "api/json_scan.h"

namespace pinnace::client {

std::shared_ptr<const void> SharedTable::find(std::uint64_t hash) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(hash);
  return found == objects_.end() ? nullptr : found->second.lock();
}

void SharedTable::put(std::uint64_t hash, const std::shared_ptr<const void>& object) {
  const std::lock_guard lock(mutex_);
  objects_[hash] = object;
  if (objects_.size() <= sweep_at_) return;
  std::erase_if(objects_, [](const auto& entry) { return entry.second.expired(); });
  sweep_at_ = std::max(kFewestEntries, 2 * objects_.size());
}

std::size_t SharedTable::size() const {
  const std::lock_guard lock(mutex_);
  return objects_.size();
}

bool is_version(std::string_view json, std::string_view uid, std::string_view resource_version) {
  if (uid.empty() || resource_version.empty()) return false;
  const auto says = [json](std::string_view member, std::string_view value) {
    const std::string_view path[] = {"metadata", member};
    const std::string_view text = api::find_in_json(json, path);
    return text.size() == value.size() + 2 && text.substr(1, value.size()) == value;
  };
  return says("uid", uid) && says("resourceVersion", resource_version);
}

}  // namespace pinnace::client
