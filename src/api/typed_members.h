// What the generated structs of api/types/ are made of.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/boxed.h"
#include "api/int_or_string.h"
#include "api/quantity.h"
#include "api/time.h"

namespace pinnace::api {

// Where objects of a kind are found: /apis/GROUP/VERSION/RESOURCE.
struct ResourceName {
  std::string_view group;  // "" for core
  std::string_view version;
  std::string_view resource;
  std::string_view kind;
  bool namespaced = false;

  bool operator==(const ResourceName&) const = default;
};

namespace detail {
struct StructCodec;
// How T is decoded and encoded; specialised for every generated struct.
template <typename T>
const StructCodec& codec_of();
}  // namespace detail

}  // namespace pinnace::api
