// What several plugins ask of a pod.
#pragma once

#include <span>
#include <string_view>

#include "api/value.h"

namespace pinnace::apiserver {

inline constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";

struct ContainerList {
  std::string_view field;  // "initContainers"
  std::string_view word;   // "init container"
};
inline constexpr ContainerList kContainerLists[] = {{"initContainers", "init container"},
                                                    {"containers", "container"},
                                                    {"ephemeralContainers", "ephemeral container"}};

// The items of the list at a path; none where there is no list.
inline std::span<const api::Value> items_at(const api::Value* object, std::string_view key) {
  const auto* list = object == nullptr ? nullptr : object->find(key);
  return list != nullptr && list->is_array() ? list->items() : std::span<const api::Value>();
}
inline std::span<api::Value> items_at(api::Value* object, std::string_view key) {
  auto* list = object == nullptr ? nullptr : object->find(key);
  return list != nullptr && list->is_array() ? list->items() : std::span<api::Value>();
}
inline std::span<const api::Member> members_at(const api::Value* object, std::string_view key) {
  const auto* map = object == nullptr ? nullptr : object->find(key);
  return map != nullptr && map->is_object() ? map->members() : std::span<const api::Member>();
}
// The list itself, made where it is not there.
inline api::Value& ensure_array(api::Arena& arena, api::Value& object, std::string_view key) {
  auto* list = object.find(key);
  if (list != nullptr && list->is_array()) return *list;
  return object.set(arena, key, api::Value::array());
}

inline std::string_view annotation_of(const api::Value& object, std::string_view key) {
  const auto* annotations = object.find_path({"metadata", "annotations"});
  return annotations == nullptr ? std::string_view() : annotations->string_at(key);
}
inline bool has_annotation(const api::Value& object, std::string_view key) {
  const auto* annotations = object.find_path({"metadata", "annotations"});
  return annotations != nullptr && annotations->find(key) != nullptr;
}
inline bool is_mirror_pod(const api::Value& pod) { return has_annotation(pod, kMirrorAnnotation); }

// "" where the object has no spec or the spec no such text.
inline std::string_view spec_text(const api::Value& object, std::string_view key) {
  const auto* spec = object.find("spec");
  return spec == nullptr ? std::string_view() : spec->string_at(key);
}

}  // namespace pinnace::apiserver
