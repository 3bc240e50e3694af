// Schemas and objects of anybody: none breaks, what was pruned has nothing left to prune, and what
// has its defaults gets no more.
// Input: a schema, a line break, an object.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "api/json.h"
#include "api/json_path.h"
#include "api/structural/schema.h"
#include "api/structural/shaping.h"
#include "api/structural/validate.h"
#include "api/testing_mutator.h"

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return pinnace::api::testing::mutate_lines(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace;
  using namespace pinnace::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  if (const auto path = JsonPath::parse(text.substr(0, line))) (void)path->find(Value());
  Arena arena;
  const auto described = parse_json(arena, text.substr(0, line));
  auto object = parse_json(arena, text.substr(line + 1));
  if (!described || !object || !described->is_object()) return 0;
  const auto schema = structural::Schema::parse(*described);
  if (!schema) return 0;
  const structural::Node& root = (*schema)->root();
  structural::prune(*object, root);
  std::vector<std::string> unknown;
  structural::prune(*object, root, &unknown);
  if (!unknown.empty()) std::abort();
  structural::apply_defaults(arena, *object, root);
  std::vector<Cause> causes;
  structural::validate(causes, *object, root);
  structural::validate(causes, *object, root, &*object);
  structural::validate_lists(causes, *object, root);
  return 0;
}
