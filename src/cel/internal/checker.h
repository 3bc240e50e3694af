// Checker gives every node its type, every identifier its slot and every call its overloads.
//
// Errors: reported to the Source, in the wording of cel-go.
// Source: the CEL language definition, "Type checking"; cel-go checker/.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cel/internal/ast.h"
#include "cel/internal/source.h"
#include "cel/types.h"

namespace pinnace::cel::internal {

// What an expression may name.
class Scope {
 public:
  virtual ~Scope() = default;
  struct Variable {
    std::uint32_t slot;
    const Type* type;
  };
  // False when there is no such variable.
  virtual bool find_variable(std::string_view name, Variable* out) const = 0;
  virtual const Function* find_function(std::string_view name) const = 0;
  // The type that may be named as a value, or made as a message; nullptr when there is none.
  virtual const Type* find_type(std::string_view name, TypePool& types) const = 0;
};

// The slots that local variables need.
std::uint32_t check(Expr* expr, const Scope& scope, TypePool& types, Source& source);

}  // namespace pinnace::cel::internal
