// Expr is one node of a parsed expression. The parser makes it, the checker notes types, slots and
// overloads in it, and the evaluator walks it.
//
// Shape: macros are gone: `x.all(i, p)` is a comprehension, as CEL defines it, so that what it
//   costs follows from its parts.
// Ownership: nodes, their lists and their texts are in the Program's arena.
// Bounds: the parser lets no tree grow deeper than kMaxDepth.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cel/types.h"
#include "cel/value.h"

namespace pinnace::cel::internal {

struct Overload;
struct Function;

inline constexpr int kMaxDepth = 1000;
// Calls that are not like others. The parser and the planner say which.
enum class Special : std::uint8_t {
  kNone,
  kAppend,            // `@result + [x]`: nothing else sees the accumulator; it grows in place.
  kInsert,            // The same for maps.
  kNotStrictlyFalse,  // Takes errors.
  kOptionalOr,        // Evaluates the second only when the first is none.
  kOptionalOrValue,
  kSetMembership,  // `x in [constants]`: `prepared` is a MapData with the items as keys.
};

// The accumulator of comprehensions; no identifier that a person writes begins with '@'.
inline constexpr std::string_view kAccumulator = "@result";

enum class ExprKind : std::uint8_t {
  kLiteral,
  kIdentifier,
  kSelect,       // target.name; `test_only`: has(target.name); `optional`: target.?name
  kCall,         // name(arguments), or target.name(arguments)
  kAnd,          // arguments, two or more
  kOr,           // likewise
  kConditional,  // arguments: condition, then, else
  kList,         // arguments, with `optional_arguments`
  kMap,          // entries
  kMessage,      // name{entries}
  kComprehension,
};

struct Expr;

struct Entry {
  Expr* key;              // Of maps.
  std::string_view name;  // Of messages.
  Expr* value;
  std::uint32_t offset;
  bool optional;
};

struct Comprehension {
  std::string_view variable;  // The item, or the key of a map.
  std::string_view
      variable_2;  // With two variables: `variable` is the index or key, this the item.
  Expr* range;
  Expr* initial;
  Expr* condition;
  Expr* step;
  Expr* result;
  std::uint32_t variable_slot, variable_2_slot, accumulator_slot;
};

struct Expr {
  ExprKind kind;
  bool test_only = false;
  bool optional = false;  // `.?` and `[?]`
  Special special = Special::kNone;
  // Computed when the program was made; costs nothing. `literal` has the value.
  bool constant = false;
  bool is_global = false;  // Identifier: a variable of the environment, else a local one.
  std::uint16_t depth = 1;
  std::uint32_t offset = 0;    // Where it stands, in bytes.
  std::uint32_t slot = 0;      // Identifier: which variable.
  const Type* type = nullptr;  // Once checked.
  std::string_view name;
  Value literal;
  Expr* target = nullptr;
  std::span<Expr*> arguments;
  std::span<const bool> optional_arguments;
  std::span<Entry> entries;
  Comprehension* comprehension = nullptr;
  const Function* function = nullptr;
  std::span<const Overload* const> overloads;  // What may be called, once checked.
  const void* prepared = nullptr;              // What an overload made of its constant arguments.
};

}  // namespace pinnace::cel::internal
