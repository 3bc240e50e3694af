// Whether an answer is what a story expects of it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "api/value.h"

namespace pinnace::conformance {

// Values that a story has given names to, as JSON texts of scalars or plain strings.
using Names = std::map<std::string, std::string, std::less<>>;

// "" if `actual` contains what `expected` says; else where it does not and why. Takes values that
// are named for the first time into `names`. `actual` is null where there is none.
std::string mismatch(const api::Value& expected, const api::Value* actual, Names& names,
                     const std::string& path = "");

// `$name` and `${name}` in a text become what they stand for; a name without a value stays.
std::string substituted(std::string_view text, const Names& names);

}  // namespace pinnace::conformance
