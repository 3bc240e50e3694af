// The object of a cluster-wide kind that an annotation makes everybody's default.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// The name of the newest object with one of these annotations set to "true", the first by name of
// several that are equally new; "" when there is none.
std::string find_default_class(const Change& change, std::string_view storage_resource,
                               std::initializer_list<std::string_view> annotations);

}  // namespace pinnace::apiserver
