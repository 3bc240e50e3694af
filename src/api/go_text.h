// Values in the words of Go's %v, %#v and %q, as they stand in some of Kubernetes' messages.
//
// Shape: members come in the value's own order; Go sorts them by key, and so must who wants that.
// Bounds: recursion is as deep as the value, which its parser bounds.
#pragma once

#include <string>
#include <string_view>

#include "api/schema.h"
#include "api/value.h"

namespace pinnace::api {

// `map[a:b c:[d e]]`; `with_types`: `map[string]interface {}{"a":"b", ...}`.
std::string go_text(const Value& value, bool with_types);

// Whether Go's %q prints a character as it is. What no character has been given to yet is taken for
// one that it does.
bool is_printable(char32_t point);
// A text as %q prints it.
std::string go_quoted(std::string_view text);
// The same as errors of Go's `time` have it: each byte that is not printable ASCII as `\x..`.
std::string go_quoted_ascii(std::string_view text);

// "int64", "map[string]interface {}": the type that Go's reader of JSON gives a value.
std::string_view go_type(const Value& value);
// "int32", "v1.Time": the type that a value of this form has in Kubernetes; not for objects.
std::string_view go_name(Form form);

}  // namespace pinnace::api
