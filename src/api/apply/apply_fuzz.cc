// FieldsV1 and configurations of anybody: nothing breaks, what was decoded is written the same
// again, and what was applied once can be applied by force again.
// Input: a live object, a configuration, FieldsV1 or managedFields; each on a line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "api/apply/merge.h"
#include "api/apply/ownership.h"
#include "api/apply/test_versions.h"
#include "api/json.h"
#include "api/testing_mutator.h"

namespace {

using namespace pinnace::api;
using namespace pinnace::api::apply;

void check(bool holds) {
  if (!holds) std::abort();
}

void fuzz_fields(Arena& arena, const Value& text) {
  const auto fields = decode_fields(arena, text);
  if (!fields) return;
  const std::string once = to_json_text(encode_fields(arena, *fields));
  const auto again = decode_fields(arena, *parse_json(arena, once));
  check(again && to_json_text(encode_fields(arena, *again)) == once);
}

void fuzz_managers(Arena& arena, const Value& sent) {
  auto managers = decode_sent_managers(arena, sent);
  if (!managers) return;
  const std::string once = to_json_text(encode_managers(arena, *managers));
  const Value written = *parse_json(arena, once);
  auto again = decode_managers(&written);
  check(again && to_json_text(encode_managers(arena, *again)) == once);
}

void fuzz_apply(Arena& arena, const Value& live, const Value& config, const Value& fields) {
  const apply::testing::BuiltinVersions versions("", "pods");
  Managers managers;
  Manager other;
  other.name = "other";
  other.api_version = "v1";
  if (auto decoded = decode_fields(arena, fields)) other.set_fields(*decoded);
  managers.push_back(other);
  const Writer writer{"me", "", "v1", "Pod", "2026-01-01T00:00:00Z"};
  auto applied = apply_configuration(arena, versions, writer, true, live, config, managers);
  if (!applied) return;
  Value object = deep_copy(arena, applied->object);
  const ResourceInfo& pods = *versions.find("v1");
  if (!normalise(arena, object, *pods.type)) return;
  applied = apply_configuration(arena, versions, writer, true, object, config, managers);
  check(applied.has_value());
  check(track_update(arena, versions, writer, live, object, managers).has_value());
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return pinnace::api::testing::mutate_lines(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Arena arena;
  Value parts[3] = {Value::object(), Value::object(), Value::object()};
  for (Value& part : parts) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto parsed = parse_json(arena, line);
    if (parsed) part = *parsed;
  }
  fuzz_fields(arena, parts[2]);
  fuzz_managers(arena, parts[2]);
  if (parts[0].is_object() && parts[1].is_object()) {
    fuzz_apply(arena, parts[0], parts[1], parts[2]);
  }
  return 0;
}
