// TableColumns are the columns of one kind's table, parsed and ready to fill rows.
//
// Lifetime: shared by all who write such tables; parsed once, since every answer and every event of
//   a watch needs them. Refers to the resource's column data.
// Threads: immutable; `of` from any thread.
// Bounds: at most 512 kinds are kept; those that come later are parsed for each use.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/schema.h"
#include "apiserver/table/column_expression.h"

namespace pinnace::apiserver {

class TableColumns {
 public:
  static Result<std::shared_ptr<const TableColumns>> of(const api::ResourceInfo& resource);

  // The JSON of `columnDefinitions`.
  const std::string& definitions_json() const { return definitions_json_; }
  // Appends the JSON of a row's `cells`.
  void write_cells(std::string& out, api::Arena& arena, const api::Value& object,
                   WallTime now) const;

 private:
  enum class CellType { kText, kInteger, kBoolean };
  struct Column {
    CellType type;
    ColumnExpression expression;
  };
  static Result<std::shared_ptr<const TableColumns>> parse(
      std::span<const api::ColumnInfo> columns);

  std::vector<Column> columns_;
  std::string definitions_json_;
};

}  // namespace pinnace::apiserver
