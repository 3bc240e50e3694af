#include "api/apply/last_applied.h"

#include <string>

#include "api/apply/check.h"
#include "api/apply/compare.h"
#include "api/json.h"
#include "api/object_codec.h"

namespace pinnace::api::apply {
namespace {

constexpr std::size_t kMaxAnnotationBytes = 256 << 10;

std::string_view last_applied(const Value& object) {
  const Value* annotations = object.find_path({"metadata", "annotations"});
  return annotations == nullptr ? std::string_view()
                                : annotations->string_at(kLastAppliedAnnotation);
}

}  // namespace

bool has_last_applied(const Value& object) { return !last_applied(object).empty(); }

std::optional<FieldSet> last_applied_fields(Arena& arena, const Shape& shape, const Value& live,
                                            std::string_view api_version) {
  const std::string_view text = last_applied(live);
  if (text.empty()) return std::nullopt;
  const auto config = parse_json(arena, text);
  if (!config || !config->is_object() || config->string_at("apiVersion") != api_version) {
    return std::nullopt;
  }
  if (find_fault(arena, shape, *config) || find_fault(arena, shape, live)) return std::nullopt;
  const Comparison difference = compare(arena, shape, *config, live);
  FieldSet fields = fields_of(arena, shape, *config);
  fields = subtract(arena, fields, difference.modified);
  fields = subtract(arena, fields, difference.added);
  return subtract(arena, fields, difference.removed);
}

void set_last_applied(Arena& arena, Value& object, const Value& config) {
  Value said = deep_copy(arena, config);
  if (Value* annotations = said.find_path({"metadata", "annotations"})) {
    annotations->erase(kLastAppliedAnnotation);
  }
  sort_all_members(said);
  Value* annotations = object.find_path({"metadata", "annotations"});
  annotations->set_ref(arena, kLastAppliedAnnotation,
                       Value::string(arena, to_json_text(said) + "\n"));
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations->members()) {
    bytes += key.size() + (value.is_string() ? value.as_string().size() : 0);
  }
  if (bytes > kMaxAnnotationBytes) annotations->erase(kLastAppliedAnnotation);
}

}  // namespace pinnace::api::apply
