#include "apiserver/table/column_expression.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/table/column_rules.h"
#include "apiserver/table/column_text.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Arena;
using api::Value;
using Node = ColumnExpression::Node;

struct Scope {
  Arena& arena;
  const Value& object;
  WallTime now;
};

// One step of a path: a member, an entry of a list, or every entry of it.
struct Step {
  enum class Type { kMember, kEntry, kEvery } type;
  std::string key;
  std::size_t index = 0;
};

struct Function {
  std::string_view name;
  // One letter an argument: p a path, t a text, e any expression; '+': more of the last one.
  std::string_view arguments;
  Value (*call)(const Scope& scope, const std::vector<Node>& arguments);
};

}  // namespace

struct ColumnExpression::Node {
  enum class Type { kPath, kText, kLiteral, kFunction, kRule, kFirstOf } type;
  std::vector<Step> steps;             // kPath
  std::string text;                    // kText
  Value literal;                       // kLiteral: a number or a boolean
  const Function* function = nullptr;  // kFunction
  const ColumnRule* rule = nullptr;    // kRule
  std::vector<Node> arguments;         // kFunction, kFirstOf
};

namespace {

bool is_nothing(const Value& value) {
  return value.is_null() || (value.is_string() && value.as_string().empty());
}

Value text_value(const Scope& scope, std::string_view text) {
  return Value::string(scope.arena, text);
}

// What stands at the end of a path without "[]"; nullptr when nothing does.
const Value* resolve(const Scope& scope, const Node& path) {
  const Value* at = &scope.object;
  for (const Step& step : path.steps) {
    if (at == nullptr) return nullptr;
    if (step.type == Step::Type::kMember) {
      at = at->find(step.key);
    } else if (step.type == Step::Type::kEntry && at->is_array() && step.index < at->size()) {
      at = &at->items()[step.index];
    } else {
      return nullptr;
    }
  }
  return at;
}

// Joins the scalars at the ends of a path, in which "[]" stands for every entry.
void join_ends(const Value* at, const std::vector<Step>& steps, std::size_t step,
               std::string& out) {
  for (; at != nullptr && step < steps.size(); ++step) {
    if (steps[step].type == Step::Type::kMember) {
      at = at->find(steps[step].key);
      continue;
    }
    if (!at->is_array()) return;
    const auto items = at->items();
    if (steps[step].type == Step::Type::kEvery) {
      for (const Value& item : items) join_ends(&item, steps, step + 1, out);
      return;
    }
    at = steps[step].index < items.size() ? &items[steps[step].index] : nullptr;
  }
  if (at == nullptr || at->is_null()) return;
  if (!out.empty()) out += ',';
  out += scalar_text(*at);
}

Value evaluate_node(const Scope& scope, const Node& node) {
  switch (node.type) {
    case Node::Type::kPath: {
      const Value* found = resolve(scope, node);
      const bool is_scalar = found != nullptr && !found->is_array() && !found->is_object();
      return is_scalar ? *found : Value::null();
    }
    case Node::Type::kText:
      return Value::string_ref(node.text);
    case Node::Type::kLiteral:
      return node.literal;
    case Node::Type::kFunction:
      return node.function->call(scope, node.arguments);
    case Node::Type::kRule:
      return text_value(scope, node.rule->text(scope.object, scope.now));
    case Node::Type::kFirstOf:
      break;
  }
  Value last;
  for (const Node& alternative : node.arguments) {
    last = evaluate_node(scope, alternative);
    if (!is_nothing(last)) break;
  }
  return last;
}

Value age(const Scope& scope, const std::vector<Node>& arguments) {
  return text_value(scope, age_text(scalar_text(evaluate_node(scope, arguments[0])), scope.now));
}

Value duration(const Scope& scope, const std::vector<Node>& arguments) {
  const Value seconds = evaluate_node(scope, arguments[0]);
  if (!seconds.is_int()) return Value::null();
  // Within what nanoseconds can say: about 292 years.
  constexpr std::int64_t kMost = 9'000'000'000;
  const std::int64_t bounded = std::min(std::max(seconds.as_int(), -kMost), kMost);
  return text_value(scope, short_duration(std::chrono::seconds(bounded)));
}

Value count(const Scope& scope, const std::vector<Node>& arguments) {
  std::size_t sum = 0;
  for (const Node& argument : arguments) {
    if (const Value* found = resolve(scope, argument)) sum += found->size();
  }
  return Value::integer(static_cast<std::int64_t>(sum));
}

Value labels(const Scope& scope, const std::vector<Node>& arguments) {
  return text_value(scope, labels_text(resolve(scope, arguments[0])));
}

Value selector(const Scope& scope, const std::vector<Node>& arguments) {
  return text_value(scope, selector_text(resolve(scope, arguments[0])));
}

Value join_list(const Scope& scope, const std::vector<Node>& arguments) {
  std::vector<Step> steps = arguments[0].steps;
  if (steps.empty() || steps.back().type == Step::Type::kMember) {
    const bool has_every = std::ranges::any_of(
        steps, [](const Step& step) { return step.type == Step::Type::kEvery; });
    if (!has_every) steps.push_back({Step::Type::kEvery, "", 0});
  }
  std::string out;
  join_ends(&scope.object, steps, 0, out);
  return text_value(scope, out);
}

Value concat(const Scope& scope, const std::vector<Node>& arguments) {
  std::string out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Value part = evaluate_node(scope, arguments[i]);
    if (i == 0 && is_nothing(part)) return Value::null();
    out += scalar_text(part);
  }
  return text_value(scope, out);
}

Value when(const Scope& scope, const std::vector<Node>& arguments) {
  const bool is_set = !is_nothing(evaluate_node(scope, arguments[0]));
  return is_set ? evaluate_node(scope, arguments[1]) : Value::null();
}

Value condition(const Scope& scope, const std::vector<Node>& arguments) {
  const Value* found =
      find_condition(list_at(scope.object, {"status", "conditions"}), arguments[0].text);
  return found == nullptr ? Value::null() : text_value(scope, found->string_at("status"));
}

Value find_address(const Scope& scope, const std::vector<Node>& arguments) {
  const Value* list = resolve(scope, arguments[0]);
  if (list == nullptr || !list->is_array()) return Value::null();
  const Value* found = find_condition(list->items(), arguments[1].text);
  return found == nullptr ? Value::null() : text_value(scope, found->string_at("address"));
}

Value access_modes(const Scope& scope, const std::vector<Node>& arguments) {
  return text_value(scope, access_modes_text(resolve(scope, arguments[0])));
}

Value trimmed(const Scope& scope, const std::vector<Node>& arguments) {
  return text_value(scope, trim(scalar_text(evaluate_node(scope, arguments[0]))));
}

constexpr Function kFunctions[] = {
    {"age", "e", age},
    {"duration", "e", duration},
    {"count", "p+", count},
    {"labels", "p", labels},
    {"selector", "p", selector},
    {"join", "p", join_list},
    {"concat", "e+", concat},
    {"when", "ee", when},
    {"condition", "t", condition},
    {"find", "pt", find_address},
    {"access_modes", "p", access_modes},
    {"trim", "e", trimmed},
};

bool takes(const Function& function, const std::vector<Node>& arguments) {
  std::string_view kinds = function.arguments;
  const bool repeats = kinds.ends_with('+');
  if (repeats) kinds.remove_suffix(1);
  if (arguments.size() < kinds.size() || (!repeats && arguments.size() > kinds.size()))
    return false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const char kind = kinds[std::min(i, kinds.size() - 1)];
    if (kind == 'p' && arguments[i].type != Node::Type::kPath) return false;
    if (kind == 't' && arguments[i].type != Node::Type::kText) return false;
  }
  return true;
}

// A recursive descent parser; any method gives nothing at a mistake.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<Node> whole() {
    auto node = alternatives(0);
    skip_spaces();
    return node && at_ == text_.size() ? std::move(node) : std::nullopt;
  }

 private:
  static constexpr int kMaxDepth = 8;

  std::optional<Node> alternatives(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    Node all{Node::Type::kFirstOf};
    do {
      auto one = primary(depth);
      if (!one) return std::nullopt;
      all.arguments.push_back(std::move(*one));
    } while (take('|'));
    if (all.arguments.size() > 1) return all;
    return std::move(all.arguments[0]);
  }

  std::optional<Node> primary(int depth) {
    skip_spaces();
    if (peek() == '"') {
      auto text = quoted();
      if (!text) return std::nullopt;
      Node node{Node::Type::kText};
      node.text = std::move(*text);
      return node;
    }
    const std::string name = word();
    if (name.empty()) return std::nullopt;
    if (name == "rule") return rule();
    const auto number = parse_int(name);
    if (number || name == "false") {
      Node node{Node::Type::kLiteral};
      node.literal = number ? Value::integer(*number) : Value::boolean(false);
      return node;
    }
    if (peek() == '(') return call(name, depth);
    return path(name);
  }

  std::optional<Node> rule() {
    skip_spaces();
    Node node{Node::Type::kRule};
    node.rule = find_column_rule(word());
    return node.rule != nullptr ? std::optional(std::move(node)) : std::nullopt;
  }

  std::optional<Node> call(std::string_view name, int depth) {
    Node node{Node::Type::kFunction};
    for (const Function& function : kFunctions) {
      if (function.name == name) node.function = &function;
    }
    if (node.function == nullptr || !take('(')) return std::nullopt;
    do {
      auto argument = alternatives(depth + 1);
      if (!argument) return std::nullopt;
      node.arguments.push_back(std::move(*argument));
    } while (take(','));
    if (!take(')') || !takes(*node.function, node.arguments)) return std::nullopt;
    return node;
  }

  std::optional<Node> path(std::string first) {
    Node node{Node::Type::kPath};
    node.steps.push_back({Step::Type::kMember, std::move(first), 0});
    for (;;) {
      if (peek() == '.') {
        ++at_;
        std::string key = word();
        if (key.empty()) return std::nullopt;
        node.steps.push_back({Step::Type::kMember, std::move(key), 0});
      } else if (peek() == '[') {
        ++at_;
        auto step = bracket();
        if (!step) return std::nullopt;
        node.steps.push_back(std::move(*step));
      } else {
        return node;
      }
    }
  }

  // What follows "[": "]", `"key"]` or "0]".
  std::optional<Step> bracket() {
    Step step{Step::Type::kEvery, "", 0};
    if (peek() == '"') {
      auto key = quoted();
      if (!key) return std::nullopt;
      step = {Step::Type::kMember, std::move(*key), 0};
    } else if (peek() != ']') {
      const auto index = parse_uint(word());
      if (!index) return std::nullopt;
      step = {Step::Type::kEntry, "", static_cast<std::size_t>(*index)};
    }
    if (peek() != ']') return std::nullopt;
    ++at_;
    return step;
  }

  std::optional<std::string> quoted() {
    const auto end = text_.find('"', at_ + 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string text(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return text;
  }

  std::string word() {
    const std::size_t start = at_;
    const auto is_word = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-';
    };
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  void skip_spaces() {
    while (peek() == ' ') ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char wanted) {
    skip_spaces();
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

ColumnExpression::ColumnExpression(std::unique_ptr<const Node> root) : root_(std::move(root)) {}
ColumnExpression::ColumnExpression(ColumnExpression&&) noexcept = default;
ColumnExpression& ColumnExpression::operator=(ColumnExpression&&) noexcept = default;
ColumnExpression::~ColumnExpression() = default;

Result<ColumnExpression> ColumnExpression::parse(std::string_view text) {
  constexpr std::size_t kMaxBytes = 1024;
  std::optional<Node> root;
  if (text.size() <= kMaxBytes) root = Parser(text).whole();
  if (!root) return errors::internal("no expression of a column: " + std::string(text));
  return ColumnExpression(std::make_unique<const Node>(std::move(*root)));
}

Value ColumnExpression::evaluate(Arena& arena, const Value& object, WallTime now) const {
  return evaluate_node({arena, object, now}, *root_);
}

}  // namespace pinnace::apiserver
