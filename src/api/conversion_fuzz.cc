// Objects of every version, defaulted and converted as a write does it, and back as a read does.
// Input: two bytes that choose a resource, then JSON.
#include <cstddef>
#include <cstdint>
#include <string>

#include "api/conversion.h"
#include "api/defaults.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "api/testing_mutator.h"

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return pinnace::api::testing::mutate_lines(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::api;
  if (size < 2) return 0;
  const auto resources = builtin_schema().resources;
  const ResourceInfo& from = resources[(data[0] | data[1] << 8) % resources.size()];
  if (from.storage_resource.empty()) return 0;
  Arena arena;
  auto value = parse_json(arena, {reinterpret_cast<const char*>(data) + 2, size - 2});
  if (!value || !value->is_object() || !normalise(arena, *value, *from.type)) return 0;
  apply_defaults(arena, *value, *from.type);
  for (const ResourceInfo& to : resources) {
    if (to.storage_resource != from.storage_resource) continue;
    Value other = *value;
    if (convert_version(arena, other, from, to)) (void)convert_version(arena, other, to, from);
  }
  return 0;
}
