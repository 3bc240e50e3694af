// YAML text to and from Value trees, read as Kubernetes reads it: YAML 1.1 made into JSON.
//
// Plain scalars become booleans (yes, on, true, y, ...), null (~), integers (also 0x, 0o, 0b and
// 010) and numbers as in YAML 1.1; keys become strings; `<<` merges maps; aliases are copied.
// Errors: 400 with "error converting YAML to JSON: yaml: line N: ...".
// Bounds: nesting up to ParseOptions.max_depth; what aliases copy is at most kMaxAliasNodes nodes
// and
//   kMaxAliasBytes bytes a text, so that a small text cannot become a huge tree.
// Source: YAML 1.1; sigs.k8s.io/yaml.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/json.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::api {

inline constexpr std::size_t kMaxAliasNodes = 100'000;
inline constexpr std::size_t kMaxAliasBytes = 4 * 1024 * 1024;

// The first document; null for an empty text. `options.duplicate_fields` gets what Go's reader says
// of each key that came twice: `line 11: key "image" already set in map`, of the value's line.
Result<Value> parse_yaml(Arena& arena, std::string_view text, ParseOptions options = {});

// All documents of a file, the empty ones left out.
Result<std::vector<Value>> parse_yaml_documents(Arena& arena, std::string_view text,
                                                ParseOptions options = {});

// Block style, two spaces a level, members in the order of Go's YAML, a newline at the end.
std::string to_yaml_text(const Value& value);

}  // namespace pinnace::api
