#include "apiserver/openapi/openapi_custom.h"

#include <algorithm>
#include <array>
#include <span>

#include "api/json.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

using api::Arena;
using api::Member;
using api::Value;

constexpr std::string_view kPreserveUnknown = "x-kubernetes-preserve-unknown-fields";

// What a schema says besides its parts and what is only Kubernetes' own.
constexpr std::array<std::string_view, 20> kKept{
    "default",          "description", "enum",       "exclusiveMaximum",
    "exclusiveMinimum", "format",      "maxItems",   "maxLength",
    "maxProperties",    "maximum",     "minItems",   "minLength",
    "minProperties",    "minimum",     "multipleOf", "pattern",
    "required",         "title",       "type",       "uniqueItems"};
// What version 2 has no word for.
constexpr std::array<std::string_view, 5> kOfVersion3{"allOf", "anyOf", "not", "nullable", "oneOf"};

bool is_one_of(std::string_view key, std::span<const std::string_view> keys) {
  return std::ranges::find(keys, key) != keys.end();
}

// Names of required members without those that may be null.
Value required_of(Arena& arena, const Value& schema, const Value& required) {
  const Value* all = schema.find("additionalProperties");
  if (all != nullptr && all->is_object() && all->bool_at("nullable")) return Value::array();
  const Value* properties = schema.find("properties");
  Value out = Value::array();
  for (const Value& name : required.items()) {
    const Value* property =
        properties == nullptr || !name.is_string() ? nullptr : properties->find(name.as_string());
    if (property == nullptr || !property->bool_at("nullable")) out.append(arena, name);
  }
  return out;
}

Value published(Arena& arena, const Value& schema, OpenApi openapi);

Value published_each(Arena& arena, const Value& properties, OpenApi openapi) {
  Value out = Value::object();
  for (const Member& member : properties.members()) {
    out.set_ref(arena, member.key, published(arena, member.value, openapi));
  }
  return out;
}

// Readers of version 2 cannot cope with types and parts of what takes null or anything, nor with
// lists of nobody knows what.
void loosen(Value& out, const Value& schema) {
  const bool preserves = schema.bool_at(kPreserveUnknown);
  if (preserves || schema.bool_at("nullable")) {
    out.erase("items");
    out.erase("properties");
  }
  const bool is_vague_list = out.string_at("type") == "array" && out.find("items") == nullptr;
  const bool is_free_object = preserves && out.string_at("type") == "object";
  if (schema.bool_at("nullable") || is_vague_list || is_free_object) out.erase("type");
}

Value published(Arena& arena, const Value& schema, OpenApi openapi) {
  Value out = Value::object();
  if (!schema.is_object()) return out;
  for (const auto& [key, value] : schema.members()) {
    if (key == "properties" && value.is_object()) {
      out.set_ref(arena, key, published_each(arena, value, openapi));
    } else if (key == "items" || key == "additionalProperties") {
      out.set_ref(arena, key, value.is_object() ? published(arena, value, openapi) : value);
    } else if (key == "required" && value.is_array() && openapi == OpenApi::kV2) {
      const Value names = required_of(arena, schema, value);
      if (!names.empty()) out.set_ref(arena, key, names);
    } else if (is_one_of(key, kKept) || key.starts_with("x-kubernetes-") ||
               (openapi == OpenApi::kV3 && is_one_of(key, kOfVersion3))) {
      out.set_ref(arena, key, value);
    }
  }
  if (openapi == OpenApi::kV2) loosen(out, schema);
  return out;
}

const Value* schema_of(const Value& definition, std::string_view version) {
  const Value* versions = definition.find_path({"spec", "versions"});
  if (versions == nullptr || !versions->is_array()) return nullptr;
  for (const Value& item : versions->items()) {
    if (item.string_at("name") == version) return item.find_path({"schema", "openAPIV3Schema"});
  }
  return nullptr;
}

void add_text(Arena& arena, Value& properties, std::string_view name, std::string_view doc) {
  Value& property = properties.set_ref(arena, name, Value::object());
  property.set_ref(arena, "description", Value::string_ref(doc));
  property.set_ref(arena, "type", Value::string_ref("string"));
}

}  // namespace

Value custom_definition(Arena& arena, const CustomVersion& version, OpenApi openapi,
                        const Value& metadata) {
  Value out = Value::object();
  const auto definition = parse_stored(arena, *version.kind->definition());
  const Value* schema = definition ? schema_of(*definition, version.resource.version) : nullptr;
  const bool is_known = schema != nullptr && schema->is_object();
  // Readers of version 2 take an object with properties to have no others.
  const bool takes_all = !is_known || (openapi == OpenApi::kV2 &&
                                       (!version.prunes || schema->bool_at(kPreserveUnknown)));
  if (!takes_all) out = published(arena, *schema, openapi);
  out.set_ref(arena, "type", Value::string_ref("object"));
  if (takes_all) return out;
  Value& properties = out.ensure_object(arena, "properties");
  add_text(arena, properties, "apiVersion", kApiVersionDoc);
  add_text(arena, properties, "kind", kKindDoc);
  properties.set_ref(arena, "metadata", metadata);
  return out;
}

void add_selectable_fields(Arena& arena, Value& definition, const CustomVersion& version) {
  if (version.field_selectors.empty()) return;
  Value fields = Value::array();
  for (const std::string_view path : version.field_selectors) {
    Value field = Value::object();
    field.set_ref(arena, "fieldPath", Value::string_ref(path));
    fields.append(arena, field);
  }
  definition.set_ref(arena, "x-kubernetes-selectable-fields", fields);
}

}  // namespace pinnace::apiserver
