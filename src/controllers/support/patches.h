// Small JSON texts for patches.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pinnace::controllers {

// A JSON string, with its quotes.
std::string quoted(std::string_view text);
// {"metadata":{"uid":UID,"resourceVersion":VERSION,"finalizers":[...]}}, a merge patch that is
// refused when the object has changed.
std::string finalizers_patch(std::string_view uid, std::string_view resource_version,
                             const std::vector<std::string>& finalizers);

}  // namespace pinnace::controllers
