// Looks one member up in JSON text without making a tree of the rest.
//
// Why: a selector asks for a label or two of each of many stored objects.
// Shape: the text is what `write_json` writes: compact and correct. In any other text the answer
//   means nothing, but nothing outside the text is read.
#pragma once

#include <span>
#include <string_view>

namespace pinnace::api {

// The raw text of the value at `path`, quotes included; empty where the path ends early. Keys are
// compared as they are written.
std::string_view find_in_json(std::string_view json, std::span<const std::string_view> path);

}  // namespace pinnace::api
