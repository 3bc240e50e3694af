// Versions of resources that clients should leave, and what they are told.
//
// Source: the lines "deprecated" of schemas/, sorted by the generator.
#pragma once

#include <span>
#include <string_view>

#include "api/schema.h"

namespace pinnace::api {

struct Deprecation {
  std::string_view group, version, resource;
  std::string_view text;  // "policy/v1beta1 PodSecurityPolicy is deprecated in v1.21+, ..."
};
// Sorted by group, version and resource.
extern const std::span<const Deprecation> kAllDeprecations;

// Empty for what is not deprecated.
std::string_view deprecation_of(const ResourceInfo& resource);
// The release from which on it is gone, as "1.25"; empty where that is not known.
std::string_view removed_release_of(const ResourceInfo& resource);

}  // namespace pinnace::api
