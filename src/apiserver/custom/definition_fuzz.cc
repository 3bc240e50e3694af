// Definitions of custom kinds: they are refused, or a kind can be made of them and worked with.
// Input: a CustomResourceDefinition, and perhaps what it was before and an object of it; each on a
// line.
#include <cstddef>
#include <cstdint>
#include <string>

#include "api/apply/ownership.h"
#include "api/defaults.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "api/structural/shaping.h"
#include "api/structural/validate.h"
#include "api/testing_mutator.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/custom/validate_definition.h"
#include "apiserver/table/table_columns.h"
#include "base/assert.h"
#include "base/strings.h"

namespace {

using namespace pinnace;
using namespace pinnace::apiserver;

void work_with(const CustomKind& kind, api::Arena& arena, const api::Value* object) {
  for (const auto& version : kind.versions()) {
    PINNACE_ASSERT(version->resource.type != nullptr);
    if (object == nullptr) continue;
    api::Value copy = api::deep_copy(arena, *object);
    if (version->schema != nullptr) {
      std::vector<Cause> causes;
      api::structural::prune(copy, version->schema->root());
      api::structural::apply_defaults(arena, copy, version->schema->root());
      api::structural::validate(causes, copy, version->schema->root(), object);
    }
    (void)api::normalise(arena, copy, version->type);
    std::string cells;
    if (version->columns != nullptr) version->columns->write_cells(cells, arena, copy, {});
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return pinnace::api::testing::mutate_lines(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = split({reinterpret_cast<const char*>(data), size}, '\n');
  const api::TypeInfo& type =
      *api::builtin_schema().find_type("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
  api::Arena arena;
  const auto read = [&](std::size_t at, bool is_definition) -> Result<api::Value> {
    if (at >= lines.size()) return errors::bad_request("");
    auto value = api::parse_json(arena, lines[at]);
    if (!value || !value->is_object() || !is_definition) return value;
    if (auto ok = api::normalise(arena, *value, type); !ok) return std::unexpected(ok.error());
    api::apply_defaults(arena, *value, type);
    return value;
  };
  const auto definition = read(0, true);
  if (!definition || !definition->is_object()) return 0;
  const auto old = read(1, true);
  const auto object = read(2, false);
  std::vector<Cause> causes, more_causes;
  validate_definition(causes, *definition, {});
  validate_definition_status(more_causes, *definition);
  if (old && old->is_object()) {
    validate_definition_update(more_causes, *definition, *old, {});
    validate_definition_update(more_causes, *definition, *old, {.is_old = true});
  }
  // What was valid once must be taken; what was not may stand in a store that somebody else wrote.
  auto stored = std::make_shared<store::Object>();
  stored->key = {"customresourcedefinitions.apiextensions.k8s.io", "",
                 std::string(definition->find("metadata") != nullptr
                                 ? definition->find("metadata")->string_at("name")
                                 : "")};
  stored->json = api::to_json_text(*definition);
  const auto kind = CustomKind::create(std::move(stored));
  if (kind) work_with(**kind, arena, object && object->is_object() ? &*object : nullptr);
  return 0;
}
