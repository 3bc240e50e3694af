// The formats of texts that a schema may name.
//
// Source: JSON Schema validation formats, and those of kube-openapi's strfmt that custom resources
//   may use.
#pragma once

#include <string_view>

namespace pinnace::api::structural {

// Whether the format means anything; others are not looked at.
bool is_known_format(std::string_view format);
// `format` is a known one for texts; others match everything.
bool matches_format(std::string_view format, std::string_view text);

}  // namespace pinnace::api::structural
