// Query is the decoded part of a URL after '?'.
//
// Bounds: more than 256 parameters are a bad request.
#pragma once

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
  // "", "0", "f", "false" are false as for Kubernetes; anything else that is there is true.
  bool flag(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

}  // namespace pinnace::apiserver
