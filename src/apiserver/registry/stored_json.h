// Reading what the store keeps, however it keeps it.
//
// Threads: any.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/json.h"
#include "store/store.h"

namespace pinnace::apiserver {

using Bytes = std::shared_ptr<const std::string>;

// The object's own text, shared, or one that was made for the caller.
inline Bytes stored_json(const store::ObjectRef& object) {
  if (const std::string* whole = object->json.whole()) return Bytes(object, whole);
  return std::make_shared<const std::string>(object->json.text());
}

inline Result<api::Value> parse_stored(api::Arena& arena, const store::Object& object) {
  std::string room;
  return api::parse_json(arena, object.json.read(room));
}

// Whether the text stands anywhere in it: cheaper than to parse what does not concern the caller.
inline bool mentions(const store::Object& object, std::string_view text) {
  std::string room;
  return object.json.read(room).find(text) != std::string_view::npos;
}

}  // namespace pinnace::apiserver
