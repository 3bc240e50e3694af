// Columns of tables: expressions of our schema and paths of anybody's definitions, over objects of
// anybody.
// Input: an expression or path, a line break, an object.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/json.h"
#include "api/json_path.h"
#include "apiserver/table/column_expression.h"
#include "apiserver/table/table_columns.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  api::Arena arena;
  const auto object = api::parse_json(arena, text.substr(line + 1));
  if (!object) return 0;
  if (const auto expression = apiserver::ColumnExpression::parse(text.substr(0, line))) {
    const api::Value shown = expression->evaluate(arena, *object, {});
    PINNACE_ASSERT(!shown.is_object() && !shown.is_array());
  }
  if (const auto path = api::JsonPath::parse(text.substr(0, line))) {
    PINNACE_ASSERT(path->find(*object).size() <= api::JsonPath::kMaxVisited * size);
    for (const char* type : {"string", "integer", "number", "boolean", "date"}) {
      std::string cells;
      apiserver::TableColumns::custom({{"n", type, "", "", 0, *path}})
          ->write_cells(cells, arena, *object, {});
      PINNACE_ASSERT(api::parse_json(arena, cells).has_value());
    }
  }
  // What anybody may store under a built-in kind's name shows in its columns.
  if (!object->is_object()) return 0;
  const auto& resources = api::builtin_schema().resources;
  const api::ResourceInfo& resource = resources[line % resources.size()];
  if (const auto columns = apiserver::TableColumns::of(resource)) {
    std::string cells;
    (*columns)->write_cells(cells, arena, *object, {});
    PINNACE_ASSERT(api::parse_json(arena, cells).has_value());
  }
  return 0;
}
