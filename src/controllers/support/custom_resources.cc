#include "controllers/support/custom_resources.h"

#include <algorithm>
#include <optional>

#include "api/json.h"

namespace pinnace::controllers {
namespace {

constexpr api::ResourceName kDefinitions{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                         "CustomResourceDefinition", false};

bool is_established(const api::Value& definition) {
  const auto* conditions = definition.find_path({"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return false;
  return std::ranges::any_of(conditions->items(), [](const api::Value& condition) {
    return condition.string_at("type") == "Established" && condition.string_at("status") == "True";
  });
}

// What a definition gives, once its kind is served.
std::optional<CustomResource> resource_of(const api::Value& definition) {
  const auto* spec = definition.find("spec");
  const auto* names = definition.find_path({"status", "acceptedNames"});
  if (spec == nullptr || names == nullptr || !is_established(definition)) return std::nullopt;
  CustomResource made;
  made.group = spec->string_at("group");
  made.name = names->string_at("plural");
  made.kind = names->string_at("kind");
  made.namespaced = spec->string_at("scope") == "Namespaced";
  const auto* versions = spec->find("versions");
  if (versions == nullptr || !versions->is_array()) return std::nullopt;
  for (const api::Value& version : versions->items()) {
    if (!version.bool_at("served")) continue;
    made.versions.emplace_back(version.string_at("name"));
    if (made.version.empty() || version.bool_at("storage")) made.version = made.versions.back();
  }
  if (made.versions.empty()) return std::nullopt;
  return made;
}

}  // namespace

bool CustomResource::is(std::string_view in_group, std::string_view in_version,
                        std::string_view of_kind) const {
  return group == in_group && kind == of_kind &&
         std::ranges::find(versions, in_version) != versions.end();
}

CustomResources::CustomResources(const client::Client& api, Executor& executor, Changed on_added,
                                 Changed on_gone)
    : on_added_(std::move(on_added)),
      on_gone_(std::move(on_gone)),
      reflector_(api.transport(), executor, kDefinitions, {},
                 {[this](std::string_view json, bool deleted) { return accept(json, deleted); },
                  [this] { ++lists_; }, [this] { end_list(); }}) {}

Result<void> CustomResources::accept(std::string_view json, bool deleted) {
  api::Arena arena;
  auto definition = api::parse_json(arena, json);
  if (!definition) return std::unexpected(std::move(definition.error()));
  const auto* metadata = definition->find("metadata");
  const std::string name(metadata == nullptr ? "" : metadata->string_at("name"));
  seen_[name] = lists_;
  const auto resource = deleted ? std::nullopt : resource_of(*definition);
  const auto known = all_.find(name);
  if (known != all_.end() && resource && known->second == *resource) return {};
  drop(name);
  if (!resource) return {};
  const auto& added = all_.emplace(name, *resource).first->second;
  if (on_added_) on_added_(added);
  return {};
}

void CustomResources::drop(const std::string& definition) {
  const auto known = all_.find(definition);
  if (known == all_.end()) return;
  if (on_gone_) on_gone_(known->second);
  all_.erase(known);
}

void CustomResources::end_list() {
  std::vector<std::string> gone;
  for (const auto& [name, list] : seen_) {
    if (list != lists_) gone.push_back(name);
  }
  for (const std::string& name : gone) {
    drop(name);
    seen_.erase(name);
  }
}

}  // namespace pinnace::controllers
