// Functions that expressions may call: a table of overloads, each with its signature as text, its
// code, and what it costs.
//
// Why text: "(string, list(A)) -> bool" reads as the language's own documentation, and one parser
//   makes types of all of them once, when the first Environment is made.
// Threads: the registry is immutable once made.
// Source: cel-go's standard library and extensions; k8s.io/apiserver/pkg/cel/library.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "cel/internal/ast.h"
#include "cel/internal/cost_rules.h"
#include "cel/types.h"
#include "cel/value.h"

namespace pinnace::cel::internal {

inline constexpr std::size_t kMaxResultBytes = std::size_t{16} << 20;

// One call: its arguments (the target first), none of which is an error.
struct Call {
  Workspace& space;
  const Value* arguments;
  std::size_t count;
  const Expr& expr;

  const Value& operator[](std::size_t index) const { return arguments[index]; }
  std::string_view text(std::size_t index) const { return arguments[index].as_text(); }
  std::int64_t integer(std::size_t index) const { return arguments[index].as_int(); }
  Value error(std::string_view message) const { return Value::error(space, message); }
  // Results of functions that could become far larger than their arguments are refused.
  static bool is_too_large(std::size_t bytes) { return bytes > kMaxResultBytes; }
  static Value too_large() { return Value::error("the result of the function is too large"); }
  // A text that the result may keep.
  Value string(std::string_view text) const { return Value::string(space.copy(text)); }
};

using Implementation = Value (*)(const Call&);

// A row of a library's table. "string.(string) -> bool" is called as `a.f(b)`, "(string) -> bool"
// as `f(a)`. Capital letters are type variables.
struct Declaration {
  std::string_view function;
  std::string_view overload;
  std::string_view signature;
  Implementation code;
};

struct Overload {
  std::string_view id;
  bool member;
  std::span<const Type* const> parameters;  // The target first.
  const Type* result;
  std::span<const Type* const> variables;  // Type variables of the signature.
  Implementation code;
  const CostRule* cost;
};

struct Function {
  std::string_view name;
  std::vector<Overload> overloads;
};

class FunctionRegistry {
 public:
  static const FunctionRegistry& instance();

  const Function* find(std::string_view name) const;
  // The type that a name stands for, such as `int` or `net.IP`; nullptr for others.
  const Type* find_type(std::string_view name) const;

 private:
  FunctionRegistry();
  void add(std::span<const Declaration> declarations);

  TypePool types_;
  std::vector<Function> functions_;  // Sorted by name.
  std::vector<const Type*> named_types_;
};

// The libraries, each in its file of library/.
std::span<const Declaration> operator_declarations();
std::span<const Declaration> comparison_declarations();
std::span<const Declaration> conversion_declarations();
std::span<const Declaration> time_declarations();
std::span<const Declaration> string_declarations();
std::span<const Declaration> list_declarations();
std::span<const Declaration> kubernetes_list_declarations();
std::span<const Declaration> optional_declarations();
std::span<const Declaration> regex_declarations();
std::span<const Declaration> url_declarations();
std::span<const Declaration> quantity_declarations();
std::span<const Declaration> network_declarations();
std::span<const Declaration> format_declarations();
std::span<const Declaration> semver_declarations();
std::span<const Declaration> authorizer_declarations();

// Whether a value may be handed to a parameter of that type.
bool accepts(const Type& parameter, const Value& value);

}  // namespace pinnace::cel::internal
