// ColumnExpression is what a column of a table shows, parsed: `a.b | "none"`, `rule pod-ready`.
//
// Errors: 500 for text that is no expression: columns are part of the schema, not input.
// Bounds: text up to 1 KiB. A path never leaves the object; evaluation cannot fail.
// Threads: immutable once made.
// Source: schemas/README.md "Columns".
#pragma once

#include <memory>
#include <string_view>

#include "api/value.h"
#include "base/clock.h"
#include "base/error.h"

namespace pinnace::apiserver {

class ColumnExpression {
 public:
  static Result<ColumnExpression> parse(std::string_view text);
  ColumnExpression(ColumnExpression&&) noexcept;
  ColumnExpression& operator=(ColumnExpression&&) noexcept;
  ~ColumnExpression();

  // A string, number or boolean; null when nothing is there. Its text lives in the arena or in what
  // `object` lives in.
  api::Value evaluate(api::Arena& arena, const api::Value& object, WallTime now) const;

  struct Node;

 private:
  explicit ColumnExpression(std::unique_ptr<const Node> root);
  std::unique_ptr<const Node> root_;
};

}  // namespace pinnace::apiserver
