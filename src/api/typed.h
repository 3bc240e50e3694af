// Between Value trees, JSON text and the generated structs of api/types/.
//
//   auto pod = api::from_json<core_v1::Pod>(text);
//   std::string text = api::to_json(*pod);
//
// Shape: members that a struct does not have are skipped; a null member is an unset one. What is
//   encoded leaves out what Go leaves out; unset lists that must be there are written as [].
// Errors: 400 BadRequest with the path of the member that has another type than the struct's.
#pragma once

#include <string>
#include <string_view>

#include "api/typed_members.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::api {

namespace detail {
Result<void> decode_struct(const StructCodec& codec, const Value& from, void* to);
Value encode_struct(const StructCodec& codec, Arena& arena, const void* from);
Result<void> struct_from_json(const StructCodec& codec, std::string_view text, void* to);
std::string struct_to_json(const StructCodec& codec, const void* from);
}  // namespace detail

template <typename T>
Result<T> decode(const Value& value) {
  T object;
  if (auto done = detail::decode_struct(detail::codec_of<T>(), value, &object); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return object;
}

// The tree's strings refer to `object` where they can: it must outlive the tree.
template <typename T>
Value encode(Arena& arena, const T& object) {
  return detail::encode_struct(detail::codec_of<T>(), arena, &object);
}

template <typename T>
Result<T> from_json(std::string_view text) {
  T object;
  if (auto done = detail::struct_from_json(detail::codec_of<T>(), text, &object); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return object;
}

template <typename T>
std::string to_json(const T& object) {
  return detail::struct_to_json(detail::codec_of<T>(), &object);
}

}  // namespace pinnace::api
