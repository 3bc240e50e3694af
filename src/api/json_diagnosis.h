// Says what is wrong with a JSON text and where, in the words of Go's encoding/json.
//
// Why: the fast parser only says that something is wrong. This one is slow and runs after it
// failed.
#pragma once

#include <string>
#include <string_view>

namespace pinnace::api {

// "invalid character '}' looking for beginning of value (line 3, column 7)". A text in which
// nothing is wrong gives "invalid JSON".
std::string diagnose_json(std::string_view text, int max_depth);

}  // namespace pinnace::api
