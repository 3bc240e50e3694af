// Lexer cuts an expression into tokens.
//
// Source: the CEL language definition, "Syntax".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cel/internal/source.h"

namespace pinnace::cel::internal {

enum class TokenKind : std::uint8_t {
  kEnd,
  kIdentifier,
  kQuotedIdentifier,  // `a-b`
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kPunctuation,  // Operators, brackets, and the words true, false, null, in.
};

struct Token {
  TokenKind kind;
  std::uint32_t offset;
  std::string_view text;
};

// All tokens, the last being kEnd. What is no token is reported.
std::vector<Token> tokenize(Source& source);

// The characters of a STRING or BYTES token; an error's wording when an escape is wrong.
struct Unquoted {
  std::string text;
  std::string error;
};
Unquoted unquote(std::string_view token, bool bytes);

}  // namespace pinnace::cel::internal
