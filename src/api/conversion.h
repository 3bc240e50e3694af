// Between the versions of one kind: what is written in any of them is kept in one, and can be read
// in all.
//
// Why data: most of what differs is a field that moved; a line of a table says so, for both ways.
//   The rest are pairs of functions in conversion_*.cc. What no rule names is taken as it is.
// Shape: `object` is normalised and comes out normalised as the other version. What the other
//   version has no place for is kept in the annotations that Kubernetes uses for it, or is lost
//   where Kubernetes loses it.
// Errors: 400 BadRequest for what the other version cannot say.
// Source: API conventions; the conversions of k8s.io/kubernetes/pkg/apis.
#pragma once

#include <cstdint>
#include <string_view>

#include "api/schema.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::api {

// Both must be versions of the same stored object.
Result<void> convert_version(Arena& arena, Value& object, const ResourceInfo& from,
                             const ResourceInfo& to);

// Where DaemonSets keep how often their template changed, which extensions/v1beta1 has as
// spec.templateGeneration.
inline constexpr std::string_view kTemplateGeneration = "deprecated.daemonset.template.generation";
// An annotation as the number that it must be.
Result<std::int64_t> annotated_number(const Value& annotation);

}  // namespace pinnace::api
