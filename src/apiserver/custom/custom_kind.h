// CustomKind is what a CustomResourceDefinition makes of itself: for each version a ResourceInfo
// like those of built-in kinds, and what else its objects are handled by.
//
// Lifetime: immutable; catalogs hold it, and calls hold catalogs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/schema.h"

namespace pinnace::apiserver {

struct CustomVersion {
  api::ResourceInfo resource{};  // Its `custom` is this.
  // Tells apart what different definitions, or states of one, made under the same name.
  std::uint64_t serial = 0;
  bool is_served = false;
};

class CustomKind {
 public:
  std::span<const std::unique_ptr<CustomVersion>> versions() const { return versions_; }

 private:
  std::vector<std::unique_ptr<CustomVersion>> versions_;
};

}  // namespace pinnace::apiserver
