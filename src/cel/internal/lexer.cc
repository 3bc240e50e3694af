#include "cel/internal/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cel/internal/utf8.h"

namespace pinnace::cel::internal {
namespace {

// Longest first.
constexpr std::string_view kPunctuation[] = {"==", "!=", "<=", ">=", "&&", "||", "<", ">",
                                             "[",  "]",  "{",  "}",  "(",  ")",  ".", ",",
                                             "-",  "!",  "?",  ":",  "+",  "*",  "/", "%"};
constexpr std::string_view kWords[] = {"true", "false", "null", "in"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

class Lexer {
 public:
  explicit Lexer(Source& source) : source_(source), text_(source.text()) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    for (;;) {
      skip_space();
      if (at_ >= text_.size()) break;
      if (const auto token = next()) tokens.push_back(*token);
    }
    tokens.push_back({TokenKind::kEnd, static_cast<std::uint32_t>(text_.size()), "<EOF>"});
    return tokens;
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void skip_space() {
    while (at_ < text_.size()) {
      if (std::string_view("\t \r\n\f").find(text_[at_]) != std::string_view::npos) {
        ++at_;
      } else if (text_.substr(at_).starts_with("//")) {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        return;
      }
    }
  }

  Token token(TokenKind kind, std::size_t start) const {
    return {kind, static_cast<std::uint32_t>(start), text_.substr(start, at_ - start)};
  }

  std::optional<Token> next() {
    const std::size_t start = at_;
    if (const std::size_t prefix = string_prefix(); prefix != std::string_view::npos) {
      return string_token(prefix);
    }
    if (is_letter(peek())) {
      while (is_letter(peek()) || is_digit(peek())) ++at_;
      Token word = token(TokenKind::kIdentifier, start);
      if (std::ranges::find(kWords, word.text) != std::end(kWords)) {
        word.kind = TokenKind::kPunctuation;
      }
      return word;
    }
    if (is_digit(peek()) || (peek() == '.' && is_digit(peek(1)))) return number();
    if (peek() == '`') return quoted_identifier();
    for (const std::string_view punctuation : kPunctuation) {
      if (!text_.substr(at_).starts_with(punctuation)) continue;
      at_ += punctuation.size();
      return token(TokenKind::kPunctuation, start);
    }
    next_character(text_, &at_);
    return unrecognized(start);
  }

  std::nullopt_t unrecognized(std::size_t start) {
    source_.report(static_cast<std::uint32_t>(start),
                   fmt::format("Syntax error: token recognition error at: '{}'",
                               text_.substr(start, at_ - start)));
    return std::nullopt;
  }

  Token number() {
    const std::size_t start = at_;
    TokenKind kind = TokenKind::kInt;
    if (peek() == '0' && peek(1) == 'x' && is_hex(peek(2))) {
      at_ += 2;
      while (is_hex(peek())) ++at_;
    } else {
      while (is_digit(peek())) ++at_;
      if (peek() == '.' && is_digit(peek(1))) {
        kind = TokenKind::kDouble;
        ++at_;
        while (is_digit(peek())) ++at_;
      }
      if (peek() == 'e' || peek() == 'E') {
        const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
        if (is_digit(peek(1 + sign))) {
          kind = TokenKind::kDouble;
          at_ += 1 + sign;
          while (is_digit(peek())) ++at_;
        }
      }
    }
    if (kind == TokenKind::kInt && (peek() == 'u' || peek() == 'U')) {
      kind = TokenKind::kUint;
      ++at_;
    }
    return token(kind, start);
  }

  std::optional<Token> quoted_identifier() {
    const std::size_t start = at_++;
    const auto fits = [](char c) {
      return is_letter(c) || is_digit(c) || std::string_view(".-/ ").find(c) != std::string::npos;
    };
    while (at_ < text_.size() && fits(text_[at_])) ++at_;
    if (peek() != '`' || at_ == start + 1) return unrecognized(start);
    ++at_;
    return token(TokenKind::kQuotedIdentifier, start);
  }

  // How many letters of r and b stand before a quote; npos when no string begins here.
  std::size_t string_prefix() const {
    bool raw = false, bytes = false;
    for (std::size_t length = 0; length <= 2; ++length) {
      const char c = peek(length);
      if (c == '"' || c == '\'') return length;
      if ((c == 'r' || c == 'R') && !raw) {
        raw = true;
      } else if ((c == 'b' || c == 'B') && !bytes && !raw) {
        bytes = true;
      } else {
        break;
      }
    }
    return std::string_view::npos;
  }

  std::optional<Token> string_token(std::size_t prefix) {
    const std::size_t start = at_;
    const std::string_view letters = text_.substr(at_, prefix);
    const bool raw = letters.find_first_of("rR") != std::string_view::npos;
    const bool bytes = letters.find_first_of("bB") != std::string_view::npos;
    at_ += prefix;
    const char quote = peek();
    const bool triple = peek(1) == quote && peek(2) == quote;
    const std::string_view closing = text_.substr(at_, triple ? 3 : 1);
    at_ += closing.size();
    while (at_ < text_.size()) {
      if (text_.substr(at_).starts_with(closing)) {
        at_ += closing.size();
        return token(bytes ? TokenKind::kBytes : TokenKind::kString, start);
      }
      if (!triple && (peek() == '\n' || peek() == '\r')) break;
      at_ += !raw && peek() == '\\' ? 2 : 1;
    }
    at_ = std::min(at_, text_.size());
    return unrecognized(start);
  }

  Source& source_;
  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<char32_t> read_digits(std::string_view digits, int base) {
  char32_t value = 0;
  for (const char c : digits) {
    int digit = 99;
    if (is_digit(c)) digit = c - '0';
    if (is_hex(c) && !is_digit(c)) digit = (c | 0x20) - 'a' + 10;
    if (digit >= base) return std::nullopt;
    value = value * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
  }
  return value;
}

constexpr std::string_view kEscapeLetters = "abfnrtv\"'\\?`";
constexpr std::string_view kEscapeValues = "\a\b\f\n\r\t\v\"'\\?`";

// What stands after a backslash. `*at` moves behind it; the text is an error's wording.
std::string unescape(std::string_view body, std::size_t* at, bool bytes, std::string& out) {
  const char letter = body[(*at)++];
  if (const std::size_t simple = kEscapeLetters.find(letter); simple != std::string_view::npos) {
    out += kEscapeValues[simple];
    return {};
  }
  std::size_t digits = 0;
  int base = 16;
  if (letter == 'x' || letter == 'X') digits = 2;
  if (letter == 'u' && !bytes) digits = 4;
  if (letter == 'U' && !bytes) digits = 8;
  if (letter >= '0' && letter <= '3') {
    digits = 3;
    base = 8;
    --*at;
  }
  if (digits == 0) return "unable to unescape string";
  if (body.size() - *at < digits) return "unable to unescape string, found " + std::string(body);
  const auto value = read_digits(body.substr(*at, digits), base);
  if (!value) return "unable to unescape string, found: " + std::string(body.substr(*at, digits));
  *at += digits;
  if (digits >= 4 && (*value > 0x10FFFF || (*value >= 0xD800 && *value < 0xE000))) {
    return "invalid unicode code point";
  }
  if (bytes) {
    out += static_cast<char>(*value);
  } else {
    append_character(out, *value);
  }
  return {};
}

}  // namespace

std::vector<Token> tokenize(Source& source) { return Lexer(source).run(); }

Unquoted unquote(std::string_view token, bool bytes) {
  const std::size_t quote = token.find_first_of("\"'");
  const bool raw = token.substr(0, quote).find_first_of("rR") != std::string_view::npos;
  std::string_view body = token.substr(quote);
  const std::size_t width = body.size() >= 6 && body[1] == body[0] && body[2] == body[0] ? 3 : 1;
  body = body.substr(width, body.size() - 2 * width);
  Unquoted result;
  for (std::size_t at = 0; at < body.size();) {
    if (body[at] == '\r') {  // Lines end alike, whatever wrote them.
      at += body.substr(at).starts_with("\r\n") ? 2 : 1;
      result.text += '\n';
    } else if (raw || body[at] != '\\') {
      result.text += body[at++];
    } else {
      ++at;
      result.error = unescape(body, &at, bytes, result.text);
      if (!result.error.empty()) return result;
    }
  }
  return result;
}

}  // namespace pinnace::cel::internal
