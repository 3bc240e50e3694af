// The names of Kubernetes' own conformance tests, and what of ours covers each: names.txt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pinnace::conformance {

struct CoveredName {
  int line = 0;
  std::string area, name;
  // "watchers.test" and a case, "e2e/x_test.py" and a method, or "none" and the reason.
  std::string place, what;

  bool is_missing() const { return place == "none"; }
  bool is_story() const { return place.ends_with(".test"); }
};

// 400 with the line that is none.
Result<std::vector<CoveredName>> parse_names(std::string_view text);

}  // namespace pinnace::conformance
