// What the string form and the structured form of label selectors share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/selector.h"

namespace pinnace::api {

// Checks key, operator and values, and sorts the values.
Result<LabelRequirement> make_requirement(std::string_view key, LabelOperator op,
                                          std::vector<std::string> values);

}  // namespace pinnace::api
