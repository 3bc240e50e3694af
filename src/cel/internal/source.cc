#include "cel/internal/source.h"

#include <fmt/format.h>

#include <algorithm>

namespace pinnace::cel::internal {
namespace {

constexpr std::size_t kMaxIssues = 100;
constexpr std::size_t kMaxSnippetBytes = 16384;

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }
bool is_wide(char c) { return static_cast<unsigned char>(c) >= 0x80; }

}  // namespace

void Source::report(std::uint32_t offset, std::string message) {
  if (issues_.size() < kMaxIssues) issues_.push_back({offset, std::move(message)});
}

std::string Source::errors() const {
  std::vector<Issue> sorted = issues_;
  std::ranges::stable_sort(sorted, {}, &Issue::offset);
  std::string text;
  for (const Issue& issue : sorted) {
    if (!text.empty()) text += "\n";
    text += describe(issue);
  }
  return text;
}

std::string Source::describe(const Issue& issue) const {
  const std::string_view before = text_.substr(0, issue.offset);
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t newline = before.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  const std::string_view rest = text_.substr(start);
  std::string snippet(rest.substr(0, rest.find('\n')));
  std::ranges::replace(snippet, '\t', ' ');
  // Wide characters get wide dots, so that the caret stands below its character.
  std::string marks;
  std::size_t column = 1;
  const std::size_t place = issue.offset - start;
  for (std::size_t i = 0; i < place && i < snippet.size(); ++i) {
    if (!starts_character(snippet[i])) continue;
    ++column;
    marks += is_wide(snippet[i]) ? "\uff0e" : ".";
  }
  marks += place < snippet.size() && is_wide(snippet[place]) ? "\uff3e" : "^";
  std::string text = fmt::format("ERROR: <input>:{}:{}: {}", line, column, issue.message);
  if (snippet.size() <= kMaxSnippetBytes) text += fmt::format("\n | {}\n | {}", snippet, marks);
  return text;
}

}  // namespace pinnace::cel::internal
