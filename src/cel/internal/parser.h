// Parser makes a tree of an expression's text, macros expanded.
//
// Errors: reported to the Source, in the wording of cel-go; the first syntax error ends the parse.
// Bounds: kMaxExpressionCharacters of text, kMaxRecursion of nesting, kMaxDepth of the tree.
// Source: the CEL language definition, "Syntax" and "Macros"; cel-go's extensions "optional" and
//   "two-variable comprehensions" and "bindings".
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "cel/internal/ast.h"
#include "cel/internal/lexer.h"
#include "cel/internal/source.h"

namespace pinnace::cel::internal {

inline constexpr std::size_t kMaxExpressionCharacters = 100'000;
inline constexpr int kMaxRecursion = 250;

// Makes nodes in an arena. The parser's and the macros' hands.
class Builder {
 public:
  Builder(api::Arena& arena, Source& source, bool bindings)
      : arena_(arena), source_(source), bindings_(bindings) {}

  // Whether cel.bind() is a macro.
  bool has_bindings() const { return bindings_; }

  // Where the nodes that are made from now on stand.
  void at(std::uint32_t offset) { offset_ = offset; }

  Expr* node(ExprKind kind);
  Expr* literal(Value value);
  Expr* identifier(std::string_view name);
  Expr* accumulator() { return identifier(kAccumulator); }
  Expr* call(std::string_view function, std::initializer_list<Expr*> arguments);
  Expr* member_call(Expr* target, std::string_view function, std::span<Expr* const> arguments);
  Expr* operation(ExprKind kind, std::initializer_list<Expr*> arguments);
  Expr* list(std::initializer_list<Expr*> items);
  Expr* comprehension(const Comprehension& comprehension);
  void set_arguments(Expr* expr, std::span<Expr* const> arguments);
  // The node is deeper than its parts; reported when too deep.
  void deepen(Expr* expr, const Expr* part);

  std::string_view copy(std::string_view text) { return arena_.copy(text); }
  template <typename T>
  std::span<T> keep(const std::vector<T>& items) {
    if (items.empty()) return {};
    T* kept = static_cast<T*>(arena_.allocate(items.size() * sizeof(T), alignof(T)));
    std::uninitialized_copy(items.begin(), items.end(), kept);
    return {kept, items.size()};
  }
  void report(const Expr* where, std::string message);

 private:
  api::Arena& arena_;
  Source& source_;
  bool bindings_;
  std::uint32_t offset_ = 0;
  bool too_deep_ = false;
};

// What a call stands for when it is a macro; nullptr when it is a plain call. Reports what a macro
// cannot take and gives a node all the same.
Expr* expand_macro(Builder& build, Expr* target, std::string_view name,
                   std::span<Expr* const> arguments);

// nullptr when there are errors. `bindings`: cel.bind(x, value, result) is there.
Expr* parse(api::Arena& arena, Source& source, bool bindings);

}  // namespace pinnace::cel::internal
