// Pattern is a regular expression of a schema, ready to be asked about texts.
//
// Errors: 400 with the reason for what is no expression.
// Bounds: linear in the text; an expression that needs more than kMaxBytes of program is refused.
// Threads: immutable; any.
// Source: RE2, whose syntax is that of Go's regexp.
#pragma once

#include <memory>
#include <string_view>

#include "base/error.h"

namespace pinnace::api::structural {

class Pattern {
 public:
  static Result<std::unique_ptr<const Pattern>> compile(std::string_view text);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // Anywhere in the text.
  bool matches(std::string_view text) const;

 private:
  struct Program;
  explicit Pattern(std::unique_ptr<Program> program);
  std::unique_ptr<Program> program_;
};

}  // namespace pinnace::api::structural
