// Bodies of clients: what parses is written, and reads back as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "api/json.h"
#include "api/json_scan.h"
#include "api/object_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static constexpr std::string_view kPath[] = {"metadata", "labels"};
  (void)find_in_json(text, kPath);
  Arena arena;
  std::vector<std::string> duplicates;
  auto value = parse_json(arena, text, {.duplicate_fields = &duplicates});
  if (!value) return 0;
  const std::string written = to_json_text(*value);
  auto again = parse_json(arena, written);
  if (!again || !equal(*value, *again)) std::abort();
  (void)to_indented_json(*value);
  std::vector<std::string> unknown;
  const TypeInfo& pod = *builtin_schema().find_type("", "v1", "Pod");
  if (normalise(arena, *value, pod, &unknown)) (void)to_json_text(*value);
  return 0;
}
