// Patches of all three forms: none breaks, and what they make can be checked by the schema.
// Input: a document, a line break, a patch.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "api/json.h"
#include "api/json_patch.h"
#include "api/merge_patch.h"
#include "api/object_codec.h"
#include "api/strategic_merge_patch.h"
#include "api/testing_mutator.h"

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return pinnace::api::testing::mutate_lines(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  Arena arena;
  auto document = parse_json(arena, text.substr(0, line));
  auto patch = parse_json(arena, text.substr(line + 1));
  if (!document || !patch) return 0;
  const TypeInfo& pod = *builtin_schema().find_type("", "v1", "Pod");
  const std::string patch_text = to_json_text(*patch);

  Value merged = deep_copy(arena, *document);
  apply_merge_patch(arena, merged, *patch);
  Value patched = deep_copy(arena, *document);
  if (apply_json_patch(arena, patched, *patch)) (void)to_json_text(patched);
  Value strategic = deep_copy(arena, *document);
  if (apply_strategic_merge_patch(arena, strategic, *patch, pod)) {
    (void)normalise(arena, strategic, pod);
    (void)to_json_text(strategic);
  }
  const Value difference = make_merge_patch(arena, *document, merged);
  Value remade = deep_copy(arena, *document);
  apply_merge_patch(arena, remade, difference);
  if (!document->is_object() || !merged.is_object() || equal(remade, merged)) {
    if (to_json_text(*patch) == patch_text) return 0;
  }
  std::abort();
}
