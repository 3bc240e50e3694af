#include "api/structural/pattern.h"

#include <re2/re2.h>

#include <string>
#include <utility>

namespace pinnace::api::structural {
namespace {

constexpr std::int64_t kMaxBytes = 1 << 20;

// What is wrong with an expression, in Go's words.
std::string go_error(const RE2& expression) {
  constexpr std::pair<RE2::ErrorCode, std::string_view> kTexts[] = {
      {RE2::ErrorBadEscape, "invalid escape sequence"},
      {RE2::ErrorBadCharClass, "invalid character class"},
      {RE2::ErrorBadCharRange, "invalid character class range"},
      {RE2::ErrorMissingBracket, "missing closing ]"},
      {RE2::ErrorMissingParen, "missing closing )"},
      {RE2::ErrorUnexpectedParen, "unexpected )"},
      {RE2::ErrorTrailingBackslash, "trailing backslash at end of expression"},
      {RE2::ErrorRepeatArgument, "missing argument to repetition operator"},
      {RE2::ErrorRepeatSize, "invalid repeat count"},
      {RE2::ErrorRepeatOp, "invalid nested repetition operator"},
      {RE2::ErrorBadPerlOp, "invalid or unsupported Perl syntax"},
      {RE2::ErrorBadUTF8, "invalid UTF-8"},
      {RE2::ErrorBadNamedCapture, "invalid named capture"},
      {RE2::ErrorPatternTooLarge, "expression too large"},
  };
  std::string_view what = "unexpected error";
  for (const auto& [code, text] : kTexts) {
    if (code == expression.error_code()) what = text;
  }
  const std::string about(expression.error_arg());
  const std::string& shown =
      what == "trailing backslash at end of expression" || what == "unexpected )" || about.empty()
          ? expression.pattern()
          : about;
  return "error parsing regexp: " + std::string(what) + ": `" +
         (what == "trailing backslash at end of expression" ? "" : shown) + "`";
}

}  // namespace

struct Pattern::Program {
  Program(std::string_view text, const RE2::Options& options)
      : expression({text.data(), text.size()}, options) {}
  RE2 expression;
};

Pattern::Pattern(std::unique_ptr<Program> program) : program_(std::move(program)) {}
Pattern::~Pattern() = default;

Result<std::unique_ptr<const Pattern>> Pattern::compile(std::string_view text) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxBytes);
  auto program = std::make_unique<Program>(text, options);
  if (!program->expression.ok()) return errors::bad_request(go_error(program->expression));
  return std::unique_ptr<const Pattern>(new Pattern(std::move(program)));
}

bool Pattern::matches(std::string_view text) const {
  return RE2::PartialMatch({text.data(), text.size()}, program_->expression);
}

}  // namespace pinnace::api::structural
