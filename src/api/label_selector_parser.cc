#include "api/label_selector_parser.h"

#include <algorithm>
#include <optional>

#include "api/names.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::size_t kMaxRequirements = 1000;
constexpr std::size_t kMaxValues = 10'000;

enum class Token { kEnd, kError, kIdentifier, kSymbol };

struct Item {
  Token token = Token::kEnd;
  std::string literal;
  bool is(std::string_view symbol) const { return token == Token::kSymbol && literal == symbol; }
};

bool is_special(char c) { return std::string_view("=!(),><").find(c) != std::string_view::npos; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_symbol(std::string_view text) {
  static constexpr std::string_view kSymbols[] = {")", ",", "!", "==", "=", "!=", "(", ">", "<"};
  return std::ranges::find(kSymbols, text) != std::end(kSymbols);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { advance(); }

  Result<LabelSelector> parse() {
    std::vector<LabelRequirement> requirements;
    while (next_.token != Token::kEnd) {
      if (next_.token != Token::kIdentifier && !next_.is("!")) {
        return found("!, identifier, or 'end of string'", next_);
      }
      Result<LabelRequirement> requirement = parse_requirement();
      if (!requirement) {
        return errors::bad_request("unable to parse requirement: " + requirement.error().message);
      }
      requirements.push_back(std::move(*requirement));
      if (requirements.size() > kMaxRequirements) {
        return errors::bad_request("a label selector may have at most " +
                                   std::to_string(kMaxRequirements) + " requirements");
      }
      const Item separator = take();
      if (separator.token == Token::kEnd) break;
      if (!separator.is(",")) return found("',' or 'end of string'", separator);
      if (next_.token != Token::kIdentifier && !next_.is("!")) {
        return found("identifier after ','", next_);
      }
    }
    return LabelSelector(std::move(requirements));
  }

 private:
  static Unexpected found(std::string_view expected, const Item& item) {
    return errors::bad_request("found '" + item.literal + "', expected: " + std::string(expected));
  }

  Result<LabelRequirement> parse_requirement() {
    Item item = take();
    const bool negated = item.is("!");
    if (negated) item = take();
    if (item.token != Token::kIdentifier) return found("identifier", item);
    const Complaints complaints = check_qualified_name(item.literal);
    if (!complaints.empty()) {
      return errors::bad_request("<nil>: Invalid value: \"" + item.literal +
                                 "\": " + join_complaints(complaints));
    }
    const std::string key = item.literal;
    if (negated) return make_requirement(key, LabelOperator::kDoesNotExist, {});
    if (next_.token == Token::kEnd || next_.is(",")) {
      return make_requirement(key, LabelOperator::kExists, {});
    }
    const Item word = take();
    const std::optional<LabelOperator> op = operator_of(word);
    if (!op) return found("in, notin, =, ==, !=, gt, lt", word);
    const bool set = *op == LabelOperator::kIn || *op == LabelOperator::kNotIn;
    Result<std::vector<std::string>> values = set ? parse_values() : parse_exact_value();
    if (!values) return Unexpected(values.error());
    return make_requirement(key, *op, std::move(*values));
  }

  static std::optional<LabelOperator> operator_of(const Item& item) {
    static constexpr std::pair<std::string_view, LabelOperator> kOperators[] = {
        {"=", LabelOperator::kEquals},     {"==", LabelOperator::kDoubleEquals},
        {"!=", LabelOperator::kNotEquals}, {"in", LabelOperator::kIn},
        {"notin", LabelOperator::kNotIn},  {">", LabelOperator::kGreaterThan},
        {"<", LabelOperator::kLessThan},
    };
    for (const auto& [word, op] : kOperators) {
      if (item.literal == word) return op;
    }
    return std::nullopt;
  }

  Result<std::vector<std::string>> parse_exact_value() {
    if (next_.token == Token::kEnd || next_.is(",")) return std::vector<std::string>{""};
    Item item = take();
    if (item.token != Token::kIdentifier) return found("identifier", item);
    return std::vector<std::string>{std::move(item.literal)};
  }

  Result<std::vector<std::string>> parse_values() {
    const Item open = take();
    if (!open.is("(")) {
      return errors::bad_request("found '" + open.literal + "' expected: '('");
    }
    if (next_.is(")")) {
      take();
      return std::vector<std::string>{""};
    }
    if (next_.token != Token::kIdentifier && !next_.is(",")) {
      return found("',', ')' or identifier", next_);
    }
    Result<std::vector<std::string>> values = parse_list();
    if (!values) return values;
    const Item close = take();
    if (!close.is(")")) return found("')'", close);
    return values;
  }

  // Stops before the closing parenthesis. An empty place between commas is the empty value.
  Result<std::vector<std::string>> parse_list() {
    std::vector<std::string> values;
    const auto add = [&](std::string value) {
      values.push_back(std::move(value));
      ++value_count_;
    };
    while (value_count_ <= kMaxValues) {
      Item item = take();
      if (item.token == Token::kIdentifier) {
        add(std::move(item.literal));
        if (next_.is(")")) break;
        if (!next_.is(",")) return found("',' or ')'", next_);
      } else if (item.is(",")) {
        if (values.empty()) add("");
        if (next_.is(")")) {
          add("");
          break;
        }
        if (next_.is(",")) {
          take();
          add("");
        }
      } else {
        return found("',', or identifier", item);
      }
    }
    if (value_count_ <= kMaxValues) return values;
    return errors::bad_request("a label selector may have at most " + std::to_string(kMaxValues) +
                               " values");
  }

  Item take() {
    Item item = std::move(next_);
    advance();
    return item;
  }

  void advance() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    if (at_ == text_.size()) {
      next_ = {Token::kEnd, ""};
    } else if (is_special(text_[at_])) {
      next_ = symbol();
    } else {
      const std::size_t from = at_;
      while (at_ < text_.size() && !is_special(text_[at_]) && !is_space(text_[at_])) ++at_;
      next_ = {Token::kIdentifier, std::string(text_.substr(from, at_ - from))};
    }
  }

  // The longest symbol: "==" before "=".
  Item symbol() {
    const std::size_t length =
        is_symbol(text_.substr(at_, 2)) ? std::min<std::size_t>(2, text_.size() - at_) : 1;
    Item item{Token::kSymbol, std::string(text_.substr(at_, length))};
    at_ += length;
    return item;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t value_count_ = 0;
  Item next_;
};

}  // namespace

Result<LabelSelector> parse_label_selector(std::string_view text) { return Parser(text).parse(); }

}  // namespace pinnace::api
