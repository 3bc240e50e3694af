// Query is the decoded part of a URL after '?'.
//
// Errors: a pair with an escape that is none, or with a semicolon, is as if it were not there.
// Bounds: more than 256 parameters are a bad request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace pinnace::apiserver {

class Query {
 public:
  static Result<Query> parse(std::string_view text);

  // The first value, or "" when there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::vector<std::string> get_all(std::string_view name) const;
  // "0" and "false" are false, as for Kubernetes; anything else that is there is true, "" too.
  bool flag(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

// The first value as a number; none when it is not there. 400 in Go's words for what is no number.
Result<std::optional<std::int64_t>> query_integer(const Query& query, std::string_view name);

// Go's words for a text that is no number of 64 bits: `strconv.ParseInt: parsing "x": invalid
// syntax`. `function` is ParseInt or ParseUint.
std::string not_a_number(std::string_view function, std::string_view text);

}  // namespace pinnace::apiserver
