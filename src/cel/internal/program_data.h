// ProgramData is what a Program shares among its copies.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cel/cost.h"
#include "cel/internal/ast.h"
#include "cel/value.h"

namespace pinnace::cel::internal {

// What an overload makes of constant arguments ahead of time, such as a compiled pattern.
class Prepared {
 public:
  virtual ~Prepared() = default;
};

struct ProgramData {
  std::string text;
  Workspace constants;  // The tree, its texts and its constant values.
  TypePool types;
  std::vector<std::unique_ptr<Prepared>> prepared;
  std::vector<std::string> variables;  // That the expression names.
  std::string fault;                   // Why it cannot be made, though the expression is in order.
  const Expr* root = nullptr;
  std::uint32_t local_count = 0;
  CostEstimate estimate;
};

}  // namespace pinnace::cel::internal
