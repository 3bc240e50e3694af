#include "api/json_diagnosis.h"

#include <cstdint>
#include <cstdio>

#include "base/strings.h"

namespace pinnace::api {
namespace {

// Walks a text until the first mistake. The walk keeps its own stack: '{' and '['.
class Diagnoser {
 public:
  Diagnoser(std::string_view text, int max_depth) : text_(text), max_depth_(max_depth) {}

  std::string run() {
    if (!is_valid_utf8(text_)) return "invalid UTF-8";
    if (value_then_rest() && message_.empty()) return "a number is out of range";
    return message_ + position();
  }

 private:
  bool fail(std::string_view where) {
    if (at_ >= text_.size()) {
      message_ = "unexpected end of JSON input";
    } else {
      message_ = "invalid character " + quoted(text_[at_]) + " " + std::string(where);
    }
    return false;
  }

  static std::string quoted(char c) {
    if (c == '\'') return R"('\'')";
    if (c == '"') return R"('"')";
    if (c == '\n') return R"('\n')";
    if (c == '\t') return R"('\t')";
    if (c == '\r') return R"('\r')";
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) return std::string("'") + c + "'";
    // Go takes a byte for a character of Latin-1.
    constexpr unsigned char kFirstShown = 0xa1, kSoftHyphen = 0xad;
    if (byte >= kFirstShown && byte != kSoftHyphen) {
      const char first = static_cast<char>(0xc0 | byte >> 6);
      return {'\'', first, static_cast<char>(0x80 | (byte & 0x3f)), '\''};
    }
    char hex[9];
    std::snprintf(hex, sizeof hex, byte < 0x80 ? R"('\x%02x')" : R"('\u%04x')", byte);
    return hex;
  }

  std::string position() const {
    std::size_t line = 1;
    std::size_t line_start = 0;
    const std::size_t end = at_ < text_.size() ? at_ : text_.size();
    for (std::size_t i = 0; i < end; ++i) {
      if (text_[i] == '\n') {
        ++line;
        line_start = i + 1;
      }
    }
    return " (line " + std::to_string(line) + ", column " + std::to_string(end - line_start + 1) +
           ")";
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool ended() const { return at_ >= text_.size(); }
  void skip_space() {
    while (!ended() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) ++at_;
  }

  bool value_then_rest() {
    do {
      if (!begin_value()) return false;
    } while (!stack_.empty() && more_follows_ && message_.empty());
    if (!message_.empty()) return false;
    skip_space();
    return ended() ? true : fail("after top-level value");
  }

  // Reads one scalar or opens one container, then closes what ends here. Sets more_follows_ when
  // another value is due.
  bool begin_value() {
    skip_space();
    if (ended()) return fail("");
    const char c = peek();
    if (c == '{' || c == '[') {
      if (static_cast<int>(stack_.size()) >= max_depth_) {
        message_ = "exceeded max depth of " + std::to_string(max_depth_);
        return false;
      }
      stack_.push_back(c);
      ++at_;
      skip_space();
      if (peek() == (c == '{' ? '}' : ']')) {
        ++at_;
        stack_.pop_back();
        return close();
      }
      more_follows_ = true;
      return c == '{' ? key("looking for beginning of object key string") : true;
    }
    return scalar() && close();
  }

  // After a value: a comma, or the end of containers.
  bool close() {
    while (!stack_.empty()) {
      skip_space();
      const bool object = stack_.back() == '{';
      if (peek() == ',') {
        ++at_;
        more_follows_ = true;
        return object ? key("looking for beginning of object key string") : true;
      }
      if (peek() != (object ? '}' : ']')) {
        return fail(object ? "after object key:value pair" : "after array element");
      }
      ++at_;
      stack_.pop_back();
    }
    more_follows_ = false;
    return true;
  }

  bool key(std::string_view where) {
    skip_space();
    if (peek() != '"') return fail(where);
    if (!string()) return false;
    skip_space();
    if (peek() != ':') return fail("after object key");
    ++at_;
    return true;
  }

  bool scalar() {
    const char c = peek();
    if (c == '"') return string();
    if (c == 't') return literal("true");
    if (c == 'f') return literal("false");
    if (c == 'n') return literal("null");
    if (c == '-' || (c >= '0' && c <= '9')) return number();
    return fail("looking for beginning of value");
  }

  bool literal(std::string_view word) {
    for (std::size_t i = 0; i < word.size(); ++i, ++at_) {
      if (peek() != word[i]) {
        return fail("in literal " + std::string(word) + " (expecting '" + word[i] + "')");
      }
    }
    return true;
  }

  bool digits(std::string_view where) {
    if (peek() < '0' || peek() > '9') return fail(where);
    while (peek() >= '0' && peek() <= '9') ++at_;
    return true;
  }

  bool number() {
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;
    } else if (!digits("in numeric literal")) {
      return false;
    }
    if (peek() == '.') {
      ++at_;
      if (!digits("after decimal point in numeric literal")) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits("in exponent of numeric literal")) return false;
    }
    return true;
  }

  bool string() {
    ++at_;
    while (true) {
      if (ended()) return fail("");
      const char c = peek();
      if (static_cast<unsigned char>(c) < 0x20) return fail("in string literal");
      ++at_;
      if (c == '"') return true;
      if (c == '\\' && !escape()) return false;
    }
  }

  bool escape() {
    if (ended()) return fail("");
    if (std::string_view("\"\\/bfnrtu").find(peek()) == std::string_view::npos) {
      return fail("in string escape code");
    }
    if (text_[at_++] != 'u') return true;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!hex) return fail("in \\u hexadecimal character escape");
    }
    return true;
  }

  std::string_view text_;
  int max_depth_;
  std::size_t at_ = 0;
  bool more_follows_ = false;
  std::string stack_;
  std::string message_;
};

}  // namespace

std::string diagnose_json(std::string_view text, int max_depth) {
  return Diagnoser(text, max_depth).run();
}

}  // namespace pinnace::api
