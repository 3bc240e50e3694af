#include "apiserver/openapi/openapi_custom.h"

#include <algorithm>
#include <array>

#include "api/json.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

using api::Arena;
using api::Member;
using api::Value;

// What version 2 can say, and those who read it use.
constexpr std::array<std::string_view, 9> kKept{"description", "type",     "format",
                                                "properties",  "required", "items",
                                                "enum",        "default",  "additionalProperties"};

constexpr std::string_view kPreserveUnknown = "x-kubernetes-preserve-unknown-fields";

// A schema with what version 2 cannot say left out: there, such places take anything.
Value reduced(Arena& arena, const Value& schema) {
  const bool is_free = schema.bool_at("nullable") || schema.bool_at(kPreserveUnknown) ||
                       schema.bool_at("x-kubernetes-int-or-string");
  Value out = Value::object();
  for (const auto& [key, value] : schema.members()) {
    const bool is_extension = key.starts_with("x-");
    if (!is_extension && std::ranges::find(kKept, key) == kKept.end()) continue;
    const bool is_shape = key == "type" || key == "properties" || key == "items" ||
                          key == "additionalProperties" || key == "required";
    if (is_free && is_shape) continue;
    if (key == "properties" && value.is_object()) {
      Value& all = out.set_ref(arena, key, Value::object());
      for (const Member& member : value.members()) {
        all.set_ref(arena, member.key, reduced(arena, member.value));
      }
    } else if (key == "items" || key == "additionalProperties") {
      if (value.is_object()) out.set_ref(arena, key, reduced(arena, value));
    } else {
      out.set_ref(arena, key, value);
    }
  }
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
  if (!takes_all) out = openapi == OpenApi::kV3 ? *schema : reduced(arena, *schema);
  out.set_ref(arena, "type", Value::string_ref("object"));
  if (takes_all) return out;
  Value& properties = out.ensure_object(arena, "properties");
  add_text(arena, properties, "apiVersion",
           "The group and version of this object's schema, such as \"apps/v1\".");
  add_text(arena, properties, "kind", "The kind of this object, such as \"Deployment\".");
  properties.set_ref(arena, "metadata", metadata);
  return out;
}

}  // namespace pinnace::apiserver
