#include "conformance/script.h"

#include "base/strings.h"

namespace pinnace::conformance {
namespace {

constexpr std::string_view kIndentation = "  ";

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const auto word : split(text, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

Unexpected wrong(const std::string& file, int line, const std::string& why) {
  return errors::bad_request(file + ":" + std::to_string(line) + ": " + why);
}

}  // namespace

Result<std::vector<Case>> parse_script(const std::string& file, std::string_view text) {
  std::vector<Case> cases;
  int number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    const bool is_indented = line.starts_with(kIndentation);
    if (trim(line).empty() || (!is_indented && line.starts_with('#'))) continue;
    if (line.starts_with("case ")) {
      cases.push_back({file, std::string(trim(line.substr(5))), {}});
      continue;
    }
    if (cases.empty()) return wrong(file, number, "a story begins with \"case NAME\"");
    auto& steps = cases.back().steps;
    if (is_indented) {
      if (steps.empty()) return wrong(file, number, "this belongs to no step");
      (steps.back().block += line.substr(kIndentation.size())) += '\n';
      continue;
    }
    const auto space = line.find(' ');
    Step step;
    step.line = number;
    step.verb = line.substr(0, space);
    step.rest = space == std::string_view::npos ? "" : trim(line.substr(space));
    step.words = words_of(step.rest);
    steps.push_back(std::move(step));
  }
  return cases;
}

}  // namespace pinnace::conformance
