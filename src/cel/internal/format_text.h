// format_text is string.format(): "%s has %d of %.2f" with a list of arguments.
//
// Source: cel-go's ext.Strings, "Format".
#pragma once

#include <string>
#include <string_view>

#include "cel/value.h"

namespace pinnace::cel::internal {

// What is wrong, or "" and the text.
std::string format_text(Workspace& space, std::string_view format, const Value& arguments,
                        std::string* out);

// In double quotes, with what does not print escaped.
std::string quoted(std::string_view text);

}  // namespace pinnace::cel::internal
