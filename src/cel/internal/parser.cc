#include "cel/internal/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "base/strings.h"
#include "cel/internal/utf8.h"

namespace pinnace::cel::internal {

Expr* Builder::node(ExprKind kind) {
  auto* expr = new (arena_.allocate(sizeof(Expr), alignof(Expr))) Expr();
  expr->kind = kind;
  expr->offset = offset_;
  return expr;
}

Expr* Builder::literal(Value value) {
  Expr* expr = node(ExprKind::kLiteral);
  expr->literal = value;
  expr->constant = true;
  return expr;
}

Expr* Builder::identifier(std::string_view name) {
  Expr* expr = node(ExprKind::kIdentifier);
  expr->name = name;
  return expr;
}

Expr* Builder::call(std::string_view function, std::initializer_list<Expr*> arguments) {
  Expr* expr = operation(ExprKind::kCall, arguments);
  expr->name = function;
  return expr;
}

Expr* Builder::member_call(Expr* target, std::string_view function,
                           std::span<Expr* const> arguments) {
  Expr* expr = node(ExprKind::kCall);
  expr->name = function;
  expr->target = target;
  deepen(expr, target);
  set_arguments(expr, arguments);
  return expr;
}

Expr* Builder::operation(ExprKind kind, std::initializer_list<Expr*> arguments) {
  Expr* expr = node(kind);
  set_arguments(expr, {arguments.begin(), arguments.size()});
  return expr;
}

Expr* Builder::list(std::initializer_list<Expr*> items) {
  return operation(ExprKind::kList, items);
}

Expr* Builder::comprehension(const Comprehension& comprehension) {
  Expr* expr = node(ExprKind::kComprehension);
  expr->name = kAccumulator;
  expr->comprehension = new (arena_.allocate(sizeof(Comprehension))) Comprehension(comprehension);
  for (const Expr* part : {comprehension.range, comprehension.initial, comprehension.condition,
                           comprehension.step, comprehension.result}) {
    deepen(expr, part);
  }
  return expr;
}

void Builder::set_arguments(Expr* expr, std::span<Expr* const> arguments) {
  expr->arguments = keep(std::vector<Expr*>(arguments.begin(), arguments.end()));
  for (const Expr* argument : arguments) deepen(expr, argument);
}

void Builder::deepen(Expr* expr, const Expr* part) {
  expr->depth = std::max<std::uint16_t>(expr->depth, static_cast<std::uint16_t>(part->depth + 1));
  if (expr->depth <= kMaxDepth) return;
  // Told once; from here on the tree is only as deep as it must be.
  if (!too_deep_) report(expr, fmt::format("expression recursion limit exceeded: {}", kMaxDepth));
  too_deep_ = true;
  expr->depth = 1;
}

void Builder::report(const Expr* where, std::string message) {
  source_.report(where->offset, std::move(message));
}

namespace {

// cel-go reserves these; they may stand behind a dot all the same.
constexpr std::string_view kReserved[] = {
    "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
    "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};

constexpr std::string_view kExpressionStart =
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, "
    "STRING, BYTES, IDENTIFIER}";

// The binary operators of one precedence, lowest first.
struct Level {
  std::span<const std::string_view> operators;
};
constexpr std::string_view kRelations[] = {"<", "<=", ">=", ">", "==", "!=", "in"};
constexpr std::string_view kSums[] = {"+", "-"};
constexpr std::string_view kProducts[] = {"*", "/", "%"};
constexpr Level kLevels[] = {{kRelations}, {kSums}, {kProducts}};

class Parser {
 public:
  Parser(api::Arena& arena, Source& source, bool bindings)
      : source_(source), build_(arena, source, bindings), tokens_(tokenize(source)) {}

  Expr* run() {
    if (source_.failed()) return nullptr;
    Expr* expr = expression();
    if (!failed_ && !at_end()) unexpected("<EOF>", tokens_[at_ + 1].kind == TokenKind::kEnd);
    return source_.failed() ? nullptr : expr;
  }

 private:
  const Token& token(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool at_end() const { return token().kind == TokenKind::kEnd; }
  bool sees(std::string_view punctuation, std::size_t ahead = 0) const {
    return token(ahead).kind == TokenKind::kPunctuation && token(ahead).text == punctuation;
  }
  bool sees(TokenKind kind, std::size_t ahead = 0) const { return token(ahead).kind == kind; }
  const Token& take() {
    const Token& taken = token();
    if (at_ + 1 < tokens_.size()) ++at_;
    build_.at(taken.offset);
    return taken;
  }
  bool take_if(std::string_view punctuation) {
    const bool seen = !failed_ && sees(punctuation);
    if (seen) take();
    return seen;
  }

  // The first syntax error ends the parse: what follows it would be guesses.
  Expr* unexpected(std::string_view expecting, bool extraneous = false) {
    if (!failed_) {
      source_.report(token().offset,
                     fmt::format("Syntax error: {} input '{}' expecting {}",
                                 extraneous && !at_end() ? "extraneous" : "mismatched",
                                 token().text, expecting));
    }
    return fail();
  }
  Expr* fail() {
    failed_ = true;
    at_ = tokens_.size() - 1;
    return build_.literal(Value::null());
  }
  void expect(std::string_view punctuation) {
    if (take_if(punctuation) || failed_) return;
    if (at_end()) {
      source_.report(token().offset,
                     fmt::format("Syntax error: missing '{}' at '<EOF>'", punctuation));
      fail();
    } else {
      unexpected(fmt::format("'{}'", punctuation));
    }
  }

  Expr* expression() {
    if (++recursion_ > kMaxRecursion) {
      if (!failed_) {
        source_.report(token().offset,
                       fmt::format("expression recursion limit exceeded: {}", kMaxRecursion));
      }
      --recursion_;
      return fail();
    }
    Expr* expr = logical(ExprKind::kOr);
    if (!failed_ && sees("?")) {
      const std::uint32_t offset = take().offset;
      Expr* then = logical(ExprKind::kOr);
      expect(":");
      Expr* otherwise = failed_ ? then : expression();
      build_.at(offset);
      expr = build_.operation(ExprKind::kConditional, {expr, then, otherwise});
    }
    --recursion_;
    return expr;
  }

  Expr* logical(ExprKind kind) {
    const auto part = [&] { return kind == ExprKind::kOr ? logical(ExprKind::kAnd) : binary(0); };
    const std::string_view word = kind == ExprKind::kOr ? "||" : "&&";
    std::vector<Expr*> parts{part()};
    std::uint32_t offset = 0;
    while (!failed_ && sees(word)) {
      offset = take().offset;
      parts.push_back(part());
    }
    if (parts.size() == 1) return parts[0];
    build_.at(offset);
    Expr* expr = build_.node(kind);
    expr->name = kind == ExprKind::kOr ? "_||_" : "_&&_";
    build_.set_arguments(expr, parts);
    return expr;
  }

  Expr* binary(std::size_t level) {
    if (level == std::size(kLevels)) return unary();
    Expr* left = binary(level + 1);
    for (int chain = 0; !failed_; ++chain) {
      const auto operators = kLevels[level].operators;
      const auto found = std::ranges::find_if(operators, [&](auto each) { return sees(each); });
      if (found == operators.end()) break;
      if (chain == kMaxRecursion) {
        source_.report(token().offset,
                       fmt::format("expression recursion limit exceeded: {}", kMaxRecursion));
        return fail();
      }
      const std::uint32_t offset = take().offset;
      Expr* right = binary(level + 1);
      build_.at(offset);
      const std::string name = *found == "in" ? "@in" : "_" + std::string(*found) + "_";
      left = build_.call(build_.copy(name), {left, right});
    }
    return left;
  }

  Expr* unary() {
    const bool negative_literal =
        sees("-") && (sees(TokenKind::kInt, 1) || sees(TokenKind::kDouble, 1));
    if ((!sees("!") && !sees("-")) || negative_literal) return member();
    const Token& first = take();
    std::size_t count = 1;
    while (sees(first.text) &&
           !(sees("-") && (sees(TokenKind::kInt, 1) || sees(TokenKind::kDouble, 1)))) {
      take();
      ++count;
    }
    Expr* operand = member();
    if (count % 2 == 0) return operand;
    build_.at(first.offset);
    return build_.call(first.text == "!" ? "!_" : "-_", {operand});
  }

  Expr* member() {
    Expr* expr = primary();
    for (int chain = 0; !failed_ && (sees(".") || sees("[")); ++chain) {
      if (chain == kMaxRecursion) {
        source_.report(token().offset,
                       fmt::format("expression recursion limit exceeded: {}", kMaxRecursion));
        return fail();
      }
      expr = sees(".") ? after_dot(expr) : index(expr);
    }
    return expr;
  }

  Expr* after_dot(Expr* target) {
    const std::uint32_t offset = take().offset;
    const bool optional = take_if("?");
    if (!sees(TokenKind::kIdentifier) && !sees(TokenKind::kQuotedIdentifier)) {
      if (!failed_) {
        source_.report(token().offset,
                       fmt::format("Syntax error: no viable alternative at input '.{}'",
                                   at_end() ? "" : token().text));
      }
      return fail();
    }
    const Token& name = take();
    std::string_view text = name.text;
    if (name.kind == TokenKind::kQuotedIdentifier) {
      source_.report(name.offset, "unsupported syntax: '`'");
      text = text.substr(1, text.size() - 2);
    }
    if (!optional && name.kind == TokenKind::kIdentifier && sees("(")) {
      return call(target, build_.copy(text));
    }
    build_.at(offset);
    Expr* select = build_.node(ExprKind::kSelect);
    select->target = target;
    select->name = build_.copy(text);
    select->optional = optional;
    build_.deepen(select, target);
    return select;
  }

  Expr* index(Expr* target) {
    const std::uint32_t offset = take().offset;
    const bool optional = take_if("?");
    Expr* key = expression();
    expect("]");
    build_.at(offset);
    return build_.call(optional ? "_[?_]" : "_[_]", {target, key});
  }

  // At the opening parenthesis.
  Expr* call(Expr* target, std::string_view name) {
    const std::uint32_t offset = take().offset;
    const std::vector<Expr*> arguments = expressions(")");
    build_.at(offset);
    if (failed_) return build_.literal(Value::null());
    if (Expr* macro = expand_macro(build_, target, name, arguments)) return macro;
    if (target != nullptr) return build_.member_call(target, name, arguments);
    Expr* expr = build_.node(ExprKind::kCall);
    expr->name = name;
    build_.set_arguments(expr, arguments);
    return expr;
  }

  // Up to and with what closes them. Lists may end with a comma.
  std::vector<Expr*> expressions(std::string_view closing, std::vector<bool>* optional = nullptr) {
    std::vector<Expr*> result;
    while (!failed_ && !sees(closing)) {
      if (optional != nullptr) optional->push_back(take_if("?"));
      result.push_back(expression());
      if (!take_if(",")) break;
      if (optional == nullptr && sees(closing)) unexpected(kExpressionStart);
      // A list may end with a comma.
      if (optional != nullptr && at_end()) break;
    }
    expect(closing);
    return result;
  }

  Expr* primary() {
    if (failed_) return build_.literal(Value::null());
    switch (token().kind) {
      case TokenKind::kIdentifier:
        return is_message() ? message() : identifier();
      case TokenKind::kInt:
      case TokenKind::kUint:
      case TokenKind::kDouble:
        return number(false);
      case TokenKind::kString:
      case TokenKind::kBytes:
        return text();
      default:
        return bracketed();
    }
  }

  Expr* bracketed() {
    if (take_if("(")) {
      Expr* inner = expression();
      expect(")");
      return inner;
    }
    if (sees("[")) return list();
    if (sees("{")) return map();
    if (sees("-")) {
      take();
      if (sees(TokenKind::kInt) || sees(TokenKind::kDouble)) return number(true);
      return unexpected("{NUM_FLOAT, NUM_INT}");
    }
    if (sees(".") && sees(TokenKind::kIdentifier, 1)) {
      return is_message() ? message() : identifier();
    }
    if (take_if("true")) return build_.literal(Value::boolean(true));
    if (take_if("false")) return build_.literal(Value::boolean(false));
    if (take_if("null")) return build_.literal(Value::null());
    const bool may_follow = sees(TokenKind::kIdentifier, 1) || sees(TokenKind::kInt, 1) ||
                            sees(TokenKind::kString, 1) || sees("(", 1);
    return unexpected(kExpressionStart, may_follow);
  }

  // An identifier, or a call of a function. A dot before it means that no container is looked at.
  Expr* identifier() {
    const std::uint32_t start = token().offset;
    const bool dot = take_if(".");
    const Token& word = take();
    std::string_view name =
        build_.copy(dot ? "." + std::string(word.text) : std::string(word.text));
    build_.at(start);
    Expr* expr = build_.identifier(name);
    if (std::ranges::find(kReserved, word.text) != std::end(kReserved)) {
      build_.report(expr, fmt::format("reserved identifier: {}", word.text));
    }
    if (!sees("(")) return expr;
    return call(nullptr, dot ? name.substr(1) : name);
  }

  // Whether `a.b.C{` stands here.
  bool is_message() const {
    std::size_t ahead = sees(".") ? 1 : 0;
    while (sees(TokenKind::kIdentifier, ahead)) {
      if (sees("{", ahead + 1)) return true;
      if (!sees(".", ahead + 1)) return false;
      ahead += 2;
    }
    return false;
  }

  Expr* message() {
    std::string name;
    take_if(".");
    while (!sees("{")) name += take().text;
    const std::uint32_t offset = take().offset;
    std::vector<Entry> entries;
    while (!failed_ && !sees("}")) {
      Entry entry{};
      entry.optional = take_if("?");
      if (!sees(TokenKind::kIdentifier) && !sees(TokenKind::kQuotedIdentifier)) {
        unexpected("{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}");
        break;
      }
      const Token& field = take();
      const bool quoted = field.kind == TokenKind::kQuotedIdentifier;
      if (quoted) source_.report(field.offset, "unsupported syntax: '`'");
      entry.name = build_.copy(quoted ? field.text.substr(1, field.text.size() - 2) : field.text);
      entry.offset = token().offset;
      expect(":");
      entry.value = expression();
      entries.push_back(entry);
      if (!take_if(",")) break;
    }
    expect("}");
    build_.at(offset);
    Expr* expr = build_.node(ExprKind::kMessage);
    expr->name = build_.copy(name);
    return with_entries(expr, entries);
  }

  Expr* with_entries(Expr* expr, const std::vector<Entry>& entries) {
    expr->entries = build_.keep(entries);
    for (const Entry& entry : entries) {
      if (entry.key != nullptr) build_.deepen(expr, entry.key);
      build_.deepen(expr, entry.value);
    }
    return expr;
  }

  Expr* list() {
    const std::uint32_t offset = take().offset;
    std::vector<bool> optional;
    const std::vector<Expr*> items = expressions("]", &optional);
    build_.at(offset);
    Expr* expr = build_.node(ExprKind::kList);
    build_.set_arguments(expr, items);
    if (std::ranges::find(optional, true) != optional.end()) {
      const auto flags = build_.keep(std::vector<char>(optional.begin(), optional.end()));
      expr->optional_arguments = {reinterpret_cast<const bool*>(flags.data()), flags.size()};
    }
    return expr;
  }

  Expr* map() {
    const std::uint32_t offset = take().offset;
    std::vector<Entry> entries;
    while (!failed_ && !sees("}")) {
      Entry entry{};
      entry.optional = take_if("?");
      entry.key = expression();
      entry.offset = token().offset;
      expect(":");
      entry.value = failed_ ? entry.key : expression();
      entries.push_back(entry);
      if (!take_if(",")) break;
    }
    expect("}");
    build_.at(offset);
    return with_entries(build_.node(ExprKind::kMap), entries);
  }

  Expr* number(bool negative) {
    const std::uint32_t start = negative ? tokens_[at_ - 1].offset : token().offset;
    const Token& word = take();
    build_.at(start);
    if (word.kind == TokenKind::kDouble) return floating(word, negative);
    std::string_view digits = word.text;
    if (word.kind == TokenKind::kUint) digits.remove_suffix(1);
    const bool hex = digits.starts_with("0x");
    if (hex) digits.remove_prefix(2);
    std::uint64_t magnitude = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, hex ? 16 : 10);
    const bool fits = error == std::errc() && end == digits.data() + digits.size();
    if (word.kind == TokenKind::kUint) {
      Expr* expr = build_.literal(Value::uint(magnitude));
      if (!fits) build_.report(expr, "invalid uint literal");
      return expr;
    }
    constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
    Expr* expr = build_.literal(
        Value::integer(static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude)));
    if (!fits || magnitude > kMax + (negative ? 1 : 0)) build_.report(expr, "invalid int literal");
    return expr;
  }

  Expr* floating(const Token& word, bool negative) {
    const double number = std::strtod(std::string(word.text).c_str(), nullptr);
    Expr* expr = build_.literal(Value::number(negative ? -number : number));
    if (std::isinf(number)) build_.report(expr, "invalid double literal");
    return expr;
  }

  Expr* text() {
    const Token& word = take();
    const bool bytes = word.kind == TokenKind::kBytes;
    const Unquoted unquoted = unquote(word.text, bytes);
    const std::string_view kept = build_.copy(unquoted.text);
    Expr* expr = build_.literal(bytes ? Value::bytes(kept) : Value::string(kept));
    if (!unquoted.error.empty()) build_.report(expr, unquoted.error);
    return expr;
  }

  Source& source_;
  Builder build_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int recursion_ = 0;
  bool failed_ = false;
};

}  // namespace

Expr* parse(api::Arena& arena, Source& source, bool bindings) {
  const std::size_t characters = count_characters(source.text());
  if (characters > kMaxExpressionCharacters) {
    source.report(0, fmt::format("expression code point size exceeds limit: size: {}, limit {}",
                                 characters, kMaxExpressionCharacters));
    return nullptr;
  }
  if (!is_valid_utf8(source.text())) {
    source.report(0, "Syntax error: the expression is not valid UTF-8");
    return nullptr;
  }
  return Parser(arena, source, bindings).run();
}

}  // namespace pinnace::cel::internal
