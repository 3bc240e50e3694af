#include "cel/library/address_problem.h"

#include "api/go_text.h"

namespace pinnace::cel {
namespace {

// A problem, and the rest of the text where it was met; none where it is of the whole.
struct Problem {
  std::string_view what, at;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

Problem problem_of_four(std::string_view text) {
  int value = 0, digits = 0, dots = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_digit(c)) {
      if (digits == 1 && value == 0) return {"IPv4 field has octet with leading zero", {}};
      value = value * 10 + (c - '0');
      ++digits;
      if (value > 255) return {"IPv4 field has value >255", {}};
    } else if (c == '.') {
      if (digits == 0 || i + 1 == text.size()) {
        return {"IPv4 field must have at least one digit", text.substr(i)};
      }
      if (++dots > 3) return {"IPv4 address too long", {}};
      value = digits = 0;
    } else {
      return {"unexpected character", text.substr(i)};
    }
  }
  return {dots < 3 ? "IPv4 address too short" : "", {}};
}

// Reads an address of eight groups, until one has a problem.
class Six {
 public:
  explicit Six(std::string_view text) : rest_(text) {}

  Problem problem() {
    if (rest_.starts_with("::")) {
      has_gap_ = true;
      rest_.remove_prefix(2);
    }
    while (bytes_ < kBytes && !rest_.empty()) {
      const Problem wrong = take_group();
      if (!wrong.what.empty()) return wrong;
    }
    return problem_at_end();
  }

 private:
  static constexpr std::size_t kBytes = 16, kMostDigits = 4;

  Problem take_group() {
    std::size_t digits = 0;
    while (digits < rest_.size() && is_hex_digit(rest_[digits])) {
      if (++digits > kMostDigits) return {"each group must have 4 or less digits", rest_};
    }
    if (digits == 0) {
      return {"each colon-separated field must have at least one digit", rest_};
    }
    if (digits < rest_.size() && rest_[digits] == '.') return take_four();
    bytes_ += 2;
    rest_.remove_prefix(digits);
    if (rest_.empty()) return {};
    if (rest_[0] != ':') return {"unexpected character, want colon", rest_};
    if (rest_.size() == 1) return {"colon must be followed by more characters", rest_};
    rest_.remove_prefix(1);
    if (rest_[0] != ':') return {};
    if (has_gap_) return {"multiple :: in address", rest_};
    has_gap_ = true;
    rest_.remove_prefix(1);
    return {};
  }

  Problem take_four() {
    if (!has_gap_ && bytes_ != kBytes - 4) {
      return {"embedded IPv4 address must replace the final 2 fields of the address", rest_};
    }
    if (bytes_ + 4 > kBytes) {
      return {"too many hex fields to fit an embedded IPv4 at the end of the address", rest_};
    }
    const Problem wrong = problem_of_four(rest_);
    rest_ = {};
    bytes_ += 4;
    return wrong;
  }

  Problem problem_at_end() const {
    if (!rest_.empty()) return {"trailing garbage after address", rest_};
    if (bytes_ < kBytes) return {has_gap_ ? "" : "address string too short", {}};
    return {has_gap_ ? "the :: must expand to at least one field of zeros" : "", {}};
  }

  std::string_view rest_;
  std::size_t bytes_ = 0;
  bool has_gap_ = false;
};

Problem problem_of(std::string_view text) {
  switch (const auto mark = text.find_first_of(".:%"); mark == text.npos ? '\0' : text[mark]) {
    case '.':
      return problem_of_four(text);
    case '%':
      return {"missing IPv6 address", {}};
    case ':':
      break;
    default:
      return {"unable to parse IP", {}};
  }
  const auto zone = text.find('%');
  if (zone != text.npos && zone + 1 == text.size()) {
    return {"zone must be a non-empty string", {}};
  }
  return Six(text.substr(0, zone)).problem();
}

}  // namespace

std::string address_problem(std::string_view text) {
  const Problem problem = problem_of(text);
  std::string said = "ParseAddr(" + api::go_quoted(text) + "): " + std::string(problem.what);
  if (!problem.at.empty()) said += " (at " + api::go_quoted(problem.at) + ")";
  return said;
}

}  // namespace pinnace::cel
