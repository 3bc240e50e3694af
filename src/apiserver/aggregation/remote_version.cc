#include "apiserver/aggregation/remote_version.h"

#include "api/json.h"

namespace pinnace::apiserver {

Result<RemoteVersionRef> RemoteVersion::parse(Place place, std::string_view resource_list_json) {
  auto made = std::shared_ptr<RemoteVersion>(new RemoteVersion());
  made->place_ = std::move(place);
  if (auto ok = made->take(resource_list_json); !ok) return std::unexpected(std::move(ok.error()));
  return made;
}

RemoteVersionRef RemoteVersion::stale(Place place, std::string_view last_said) {
  auto made = std::shared_ptr<RemoteVersion>(new RemoteVersion());
  made->place_ = std::move(place);
  made->is_stale_ = true;
  if (!last_said.empty()) (void)made->take(last_said);  // It was understood once.
  return made;
}

Result<void> RemoteVersion::take(std::string_view resource_list_json) {
  auto list = api::parse_json(arena_, resource_list_json);
  if (!list) return std::unexpected(std::move(list.error()));
  const std::string wanted = place_.group + '/' + place_.version;
  if (!list->is_object() || list->string_at("groupVersion") != wanted) {
    return errors::bad_request("the server's answer is no APIResourceList of " + wanted);
  }
  const auto* entries = list->find("resources");
  if (entries == nullptr || !entries->is_array()) return {};
  for (const auto& entry : entries->items()) {
    const bool is_resource = entry.string_at("name").find('/') == std::string_view::npos;
    if (is_resource && resources_.size() < kMaxRemoteResources) add(entry);
  }
  add_subresources(entries->items());
  return {};
}

std::span<const std::string_view> RemoteVersion::words(const api::Value* list) {
  if (list == nullptr || !list->is_array()) return {};
  auto kept = std::make_unique<std::vector<std::string_view>>();
  for (const auto& word : list->items()) {
    if (word.is_string()) kept->push_back(arena_.copy(word.as_string()));
  }
  word_lists_.push_back(std::move(kept));
  return *word_lists_.back();
}

void RemoteVersion::add(const api::Value& entry) {
  api::ResourceInfo resource{};
  resource.group = place_.group;
  resource.version = place_.version;
  resource.name = arena_.copy(entry.string_at("name"));
  resource.singular = arena_.copy(entry.string_at("singularName"));
  resource.kind = arena_.copy(entry.string_at("kind"));
  resource.namespaced = entry.bool_at("namespaced");
  resource.enabled = true;
  resource.verbs = words(entry.find("verbs"));
  resource.short_names = words(entry.find("shortNames"));
  resource.categories = words(entry.find("categories"));
  resources_.push_back(resource);
}

void RemoteVersion::add_subresources(std::span<const api::Value> entries) {
  for (api::ResourceInfo& resource : resources_) {
    auto kept = std::make_unique<std::vector<api::SubresourceInfo>>();
    const std::string prefix = std::string(resource.name) + '/';
    for (const auto& entry : entries) {
      const std::string_view name = entry.string_at("name");
      if (!name.starts_with(prefix)) continue;
      const std::string_view group = entry.string_at("group"), version = entry.string_at("version");
      api::SubresourceInfo sub{};
      sub.name = arena_.copy(name.substr(prefix.size()));
      sub.group = version.empty() ? std::string_view(place_.group) : arena_.copy(group);
      sub.version = version.empty() ? std::string_view(place_.version) : arena_.copy(version);
      sub.kind = arena_.copy(entry.string_at("kind"));
      sub.verbs = words(entry.find("verbs"));
      kept->push_back(sub);
    }
    if (kept->empty()) continue;
    resource.subresources = *kept;
    subresource_lists_.push_back(std::move(kept));
  }
}

}  // namespace pinnace::apiserver
