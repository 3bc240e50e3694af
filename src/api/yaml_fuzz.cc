// Files and bodies of people: what parses as YAML can be written as JSON and as YAML.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "api/json.h"
#include "api/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Arena arena;
  std::vector<std::string> duplicates;
  auto documents = parse_yaml_documents(arena, text, {.duplicate_fields = &duplicates});
  if (!documents) return 0;
  for (const Value& document : *documents) {
    if (!parse_json(arena, to_json_text(document), {.max_depth = 600})) std::abort();
    auto again = parse_yaml(arena, to_yaml_text(document), {.max_depth = 600});
    if (!again || !equal(document, *again)) std::abort();
  }
  return 0;
}
