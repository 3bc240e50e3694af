#include "conformance/names.h"

#include "base/strings.h"

namespace pinnace::conformance {

Result<std::vector<CoveredName>> parse_names(std::string_view text) {
  std::vector<CoveredName> names;
  int number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (trim(line).empty() || line.starts_with('#')) continue;
    const auto parts = split(line, '|');
    const auto colon = parts.size() == 3 ? parts[2].find(':') : std::string_view::npos;
    if (colon == std::string_view::npos) {
      return errors::bad_request("names.txt:" + std::to_string(number) +
                                 ": a name is AREA | NAME | PLACE: WHAT");
    }
    CoveredName name;
    name.line = number;
    name.area = trim(parts[0]);
    name.name = trim(parts[1]);
    name.place = trim(parts[2].substr(0, colon));
    name.what = trim(parts[2].substr(colon + 1));
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace pinnace::conformance
