// Resources within custom objects: places with x-kubernetes-embedded-resource.
//
// Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta.
#pragma once

#include <string>
#include <vector>

#include "api/structural/schema.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::apiserver {

// They say what they are, and their metadata is as any. `place` is the path of `value`.
void validate_embedded(std::vector<Cause>& causes, const api::Value& value,
                       const api::structural::Node& schema, const std::string& place = "");
// One of them, whatever its schema says.
void validate_resource(std::vector<Cause>& causes, const api::Value& value,
                       const std::string& place);

// Brings the metadata of all of them into the form that metadata has. Paths of what is unknown in
// it go to `unknown`. 400: something is of another type, in Go's words.
Result<void> take_embedded(api::Arena& arena, api::Value& value,
                           const api::structural::Node& schema, const std::string& place,
                           std::vector<std::string>& unknown);
// The metadata of a whole object.
Result<void> take_metadata(api::Arena& arena, api::Value& object, const std::string& place,
                           std::vector<std::string>& unknown);

}  // namespace pinnace::apiserver
