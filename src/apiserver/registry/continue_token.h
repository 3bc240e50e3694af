// The `continue` of a list: where the next page starts, and in which revision.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "store/store.h"

namespace pinnace::apiserver {

struct ContinueToken {
  store::Revision revision = 0;  // 0: of whatever is there now.
  std::string start;             // The last key that was given: "ns/name" or "name".
};

std::string make_continue(const ContinueToken& token);
Result<ContinueToken> parse_continue(std::string_view text);

}  // namespace pinnace::apiserver
