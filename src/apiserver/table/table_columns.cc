#include "apiserver/table/table_columns.h"

#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "api/json.h"
#include "apiserver/table/column_text.h"

namespace pinnace::apiserver {
namespace {

// Of kinds that say nothing else.
constexpr api::ColumnInfo kDefaultColumns[] = {
    {"Name", "string", "name", 0, "metadata.name"},
    {"Created At", "date", "", 0, "metadata.creationTimestamp"},
};

// Names the columns by all that a definition says, so that a kind whose columns were changed is
// never served with those that it had before.
std::string signature(std::span<const api::ColumnInfo> columns) {
  std::string text;
  for (const api::ColumnInfo& column : columns) {
    for (const auto part : {column.name, column.type, column.format, column.value}) {
      (text += part) += '\n';
    }
    text += std::to_string(column.priority) + '\n';
  }
  return text;
}

class Kept {
 public:
  std::shared_ptr<const TableColumns> find(const std::string& key) const {
    const std::shared_lock lock(mutex_);
    const auto found = columns_.find(key);
    return found == columns_.end() ? nullptr : found->second;
  }
  void add(std::string key, std::shared_ptr<const TableColumns> columns) {
    constexpr std::size_t kMost = 512;
    const std::unique_lock lock(mutex_);
    if (columns_.size() < kMost) columns_.emplace(std::move(key), std::move(columns));
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const TableColumns>> columns_;
};

Kept& kept() {
  static Kept all;
  return all;
}

void write_definition(std::string& out, const api::ColumnInfo& column) {
  out += "{\"name\":";
  api::write_json_string(out, column.name);
  out += ",\"type\":";
  api::write_json_string(out, column.type);
  out += ",\"format\":";
  api::write_json_string(out, column.format);
  out += ",\"description\":\"\",\"priority\":" + std::to_string(column.priority) + "}";
}

}  // namespace

Result<std::shared_ptr<const TableColumns>> TableColumns::parse(
    std::span<const api::ColumnInfo> columns) {
  auto made = std::make_shared<TableColumns>();
  std::string& definitions = made->definitions_json_;
  definitions = "[";
  for (const api::ColumnInfo& column : columns) {
    auto expression = ColumnExpression::parse(column.value);
    if (!expression) return std::unexpected(std::move(expression.error()));
    const CellType type = column.type == "integer"   ? CellType::kInteger
                          : column.type == "boolean" ? CellType::kBoolean
                                                     : CellType::kText;
    if (!made->columns_.empty()) definitions += ',';
    write_definition(definitions, column);
    made->columns_.push_back({type, std::move(*expression)});
  }
  definitions += ']';
  return made;
}

Result<std::shared_ptr<const TableColumns>> TableColumns::of(const api::ResourceInfo& resource) {
  std::span<const api::ColumnInfo> columns = resource.columns;
  if (columns.empty()) columns = kDefaultColumns;
  std::string key = signature(columns);
  if (auto found = kept().find(key)) return found;
  auto parsed = parse(columns);
  if (parsed) kept().add(std::move(key), *parsed);
  return parsed;
}

void TableColumns::write_cells(std::string& out, api::Arena& arena, const api::Value& object,
                               WallTime now) const {
  out += '[';
  bool is_first = true;
  for (const Column& column : columns_) {
    if (!std::exchange(is_first, false)) out += ',';
    const api::Value cell = column.expression.evaluate(arena, object, now);
    const bool is_unset = cell.is_null() || (cell.is_string() && cell.as_string().empty());
    switch (column.type) {
      case CellType::kInteger:
        if (is_unset)
          out += '0';
        else
          api::write_json(out, cell);
        break;
      case CellType::kBoolean: {
        // A rule may have words of its own, such as "<unset>".
        const std::string text = scalar_text(cell);
        if (is_unset || text == "true" || text == "false")
          out += is_unset ? "false" : text;
        else
          api::write_json_string(out, text);
        break;
      }
      case CellType::kText:
        api::write_json_string(out, scalar_text(cell));
        break;
    }
  }
  out += ']';
}

}  // namespace pinnace::apiserver
