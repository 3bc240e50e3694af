#include "apiserver/table/table_columns.h"

#include <limits>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "api/json.h"
#include "apiserver/custom/custom_kind.h"
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

void write_definition(std::string& out, const api::ColumnInfo& column,
                      std::string_view description = "") {
  out += "{\"name\":";
  api::write_json_string(out, column.name);
  out += ",\"type\":";
  api::write_json_string(out, column.type);
  out += ",\"format\":";
  api::write_json_string(out, column.format);
  out += ",\"description\":";
  api::write_json_string(out, description);
  out += ",\"priority\":" + std::to_string(column.priority) + "}";
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
    made->columns_.push_back({type, std::move(*expression), {}});
  }
  definitions += ']';
  return made;
}

std::shared_ptr<const TableColumns> TableColumns::custom(std::vector<CustomColumn> columns) {
  auto made = std::make_shared<TableColumns>();
  constexpr api::ColumnInfo kName{"Name", "string", "name", 0, "metadata.name"};
  made->definitions_json_ = "[";
  write_definition(made->definitions_json_, kName, "Name of the object; unique in its namespace.");
  auto name = api::JsonPath::parse(".metadata.name");
  made->columns_.push_back({CellType::kText, std::nullopt, std::move(*name)});
  for (CustomColumn& column : columns) {
    const CellType type = column.type == "integer"   ? CellType::kInteger
                          : column.type == "number"  ? CellType::kNumber
                          : column.type == "boolean" ? CellType::kBoolean
                          : column.type == "date"    ? CellType::kDate
                                                     : CellType::kText;
    made->definitions_json_ += ',';
    write_definition(
        made->definitions_json_,
        {column.name, column.type, column.format, static_cast<std::int32_t>(column.priority), ""},
        column.description);
    made->columns_.push_back({type, std::nullopt, std::move(column.path)});
  }
  made->definitions_json_ += ']';
  return made;
}

Result<std::shared_ptr<const TableColumns>> TableColumns::of(const api::ResourceInfo& resource) {
  if (resource.custom != nullptr) return resource.custom->columns;
  std::span<const api::ColumnInfo> columns = resource.columns;
  if (columns.empty()) columns = kDefaultColumns;
  std::string key = signature(columns);
  if (auto found = kept().find(key)) return found;
  auto parsed = parse(columns);
  if (parsed) kept().add(std::move(key), *parsed);
  return parsed;
}

namespace {

// What is too large for one becomes the least, as with kube-apiserver.
std::int64_t whole_number(double number) {
  const bool fits = number >= -0x1p63 && number < 0x1p63;
  return fits ? static_cast<std::int64_t>(number) : std::numeric_limits<std::int64_t>::min();
}

}  // namespace

// The first value that the path leads to, if it is what the column's type says; else null.
void TableColumns::write_custom_cell(std::string& out, const Column& column,
                                     const api::Value& object, WallTime now) {
  const auto found = column.path.find(object);
  const api::Value cell = found.empty() ? api::Value() : *found.front();
  switch (column.type) {
    case CellType::kInteger:
      if (cell.type() == api::Value::Type::kDouble)
        return api::write_json_int(out, whole_number(cell.as_double()));
      return api::write_json(out, cell.is_int() ? cell : api::Value());
    case CellType::kNumber:
      return api::write_json(out, cell.is_number() ? cell : api::Value());
    case CellType::kBoolean:
      return api::write_json(out, cell.is_bool() ? cell : api::Value());
    case CellType::kDate: {
      if (!cell.is_string()) return api::write_json(out, api::Value());
      WallTime time{};
      const bool is_time = parse_rfc3339(cell.as_string(), time);
      return api::write_json_string(out, is_time ? age_text(cell.as_string(), now) : "<invalid>");
    }
    case CellType::kText:
      if (cell.is_null()) return api::write_json(out, cell);
      return api::write_json_string(
          out, cell.is_object() || cell.is_array() ? api::to_json_text(cell) : scalar_text(cell));
  }
}

void TableColumns::write_cells(std::string& out, api::Arena& arena, const api::Value& object,
                               WallTime now) const {
  out += '[';
  bool is_first = true;
  for (const Column& column : columns_) {
    if (!std::exchange(is_first, false)) out += ',';
    if (!column.expression) {
      write_custom_cell(out, column, object, now);
      continue;
    }
    const api::Value cell = column.expression->evaluate(arena, object, now);
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
      case CellType::kNumber:
      case CellType::kDate:
        if (cell.is_number() || cell.is_bool())
          api::write_json(out, cell);
        else
          api::write_json_string(out, scalar_text(cell));
        break;
    }
  }
  out += ']';
}

}  // namespace pinnace::apiserver
