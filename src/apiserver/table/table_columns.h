// TableColumns are the columns of one kind's table, parsed and ready to fill rows.
//
// Lifetime: shared by all who write such tables; parsed once, since every answer and every event of
//   a watch needs them. Refers to nothing.
// Threads: immutable; `of` from any thread.
// Bounds: at most 512 kinds are kept; those that come later are parsed for each use.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/json_path.h"
#include "api/schema.h"
#include "apiserver/table/column_expression.h"

namespace pinnace::apiserver {

// One of additionalPrinterColumns.
struct CustomColumn {
  std::string name, type, format, description;
  std::int64_t priority = 0;
  api::JsonPath path;
};

class TableColumns {
 public:
  static Result<std::shared_ptr<const TableColumns>> of(const api::ResourceInfo& resource);

  // Those of a custom kind; a column for the name comes first.
  static std::shared_ptr<const TableColumns> custom(std::vector<CustomColumn> columns);

  // The JSON of `columnDefinitions`.
  const std::string& definitions_json() const { return definitions_json_; }
  // Appends the JSON of a row's `cells`.
  void write_cells(std::string& out, api::Arena& arena, const api::Value& object,
                   WallTime now) const;

 private:
  enum class CellType { kText, kInteger, kBoolean, kNumber, kDate };
  struct Column {
    CellType type;
    std::optional<ColumnExpression> expression;
    api::JsonPath path;  // Of custom kinds, which have no expression.
  };
  static void write_custom_cell(std::string& out, const Column& column, const api::Value& object,
                                WallTime now);
  static Result<std::shared_ptr<const TableColumns>> parse(
      std::span<const api::ColumnInfo> columns);

  std::vector<Column> columns_;
  std::string definitions_json_;
};

}  // namespace pinnace::apiserver
