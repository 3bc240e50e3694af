#include "apiserver/admission/default_class.h"

#include <algorithm>

#include "api/json.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {

std::string find_default_class(const Change& change, std::string_view storage_resource,
                               std::initializer_list<std::string_view> annotations) {
  const auto stored = change.backend.store().list(storage_resource, "");
  std::string chosen, made;
  if (!stored) return chosen;
  for (const auto& object : stored->objects) {
    const bool may_be = std::ranges::any_of(
        annotations, [&](std::string_view annotation) { return mentions(*object, annotation); });
    if (!may_be) continue;  // Cheaper than to parse it.
    api::Arena arena;
    const auto parsed = parse_stored(arena, *object);
    const bool is_default =
        parsed && std::ranges::any_of(annotations, [&](std::string_view annotation) {
          return annotation_of(*parsed, annotation) == "true";
        });
    if (!is_default) continue;
    const std::string_view when = meta_text(*parsed, "creationTimestamp");
    if (!chosen.empty() && when <= made) continue;
    chosen = object->key.name;
    made = when;
  }
  return chosen;
}

}  // namespace pinnace::apiserver
