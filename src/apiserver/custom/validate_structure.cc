#include "apiserver/custom/validate_structure.h"

#include <algorithm>

#include "api/structural/pattern.h"
#include "apiserver/custom/schema_keywords.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

enum class Level { kRoot, kItem, kField };

// Whether a keyword says anything.
bool says_something(const Value& value) {
  if (value.is_null()) return false;
  if (value.is_bool()) return value.as_bool();
  if (value.is_string()) return !value.as_string().empty();
  return value.is_number() || !value.empty();
}

bool has_only(const Value& schema, std::initializer_list<std::string_view> allowed) {
  return std::ranges::all_of(schema.members(), [&](const api::Member& member) {
    return !says_something(member.value) ||
           std::find(allowed.begin(), allowed.end(), member.key) != allowed.end();
  });
}

bool is_just_of_type(const Value& schema, std::string_view type) {
  return schema.string_at("type") == type && has_only(schema, {"type"});
}

// "anyOf: [integer, string]" says again what int-or-string says.
bool is_int_or_string_choice(const Field& schema) {
  const Field any = schema["anyOf"];
  return any.size() == 2 && is_just_of_type(*any.at(0).value(), "integer") &&
         is_just_of_type(*any.at(1).value(), "string");
}

void check_pattern(const Field& pattern) {
  if (pattern.empty()) return;
  const auto compiled = api::structural::Pattern::compile(pattern.text());
  if (compiled) return;
  pattern.invalid("must be a valid regular expression, but isn't: " + compiled.error().message);
}

// What stands below allOf and its like only checks: the form is said outside.
class NestedChecker {
 public:
  // `skips_choice`: its anyOf is the one of int-or-string.
  static void check_values(const Field& schema, bool skips_any, bool skips_any_of_first) {
    if (!skips_any) each(schema["anyOf"], false);
    each(schema["allOf"], skips_any_of_first);
    each(schema["oneOf"], false);
    if (is_object(schema["not"])) check(schema["not"], false);
    check_pattern(schema["pattern"]);
  }

 private:
  static void each(const Field& list, bool skips_any_of_first) {
    bool skips = skips_any_of_first;
    for (const Field& one : list.items()) {
      check(one, skips);
      skips = false;
    }
  }

  static void check(const Field& nested, bool skips_any) {
    check_values(nested, skips_any, false);
    if (is_object(nested["items"])) check(nested["items"], false);
    each_property(nested, [](std::string_view, const Field& property) { check(property, false); });
    const Field additional = nested["additionalProperties"];
    if (is_object(additional) || additional.flag()) {
      additional.forbidden("must be undefined to be structural");
    }
    check_forbidden(nested);
  }

  static void check_forbidden(const Field& nested) {
    for (const std::string_view name : {std::string_view("type"), std::string_view("title"),
                                        std::string_view("description"), kListKeys, kRules}) {
      if (!nested[name].empty()) nested[name].forbidden("must be empty to be structural");
    }
    for (const std::string_view name : {std::string_view("default"), kListType, kMapType}) {
      if (nested[name].is_set()) nested[name].forbidden("must be undefined to be structural");
    }
    for (const std::string_view name :
         {std::string_view("nullable"), kPreserve, kEmbedded, kIntOrString}) {
      if (nested[name].flag()) nested[name].forbidden("must be false to be structural");
    }
    const Field metadata = nested["properties"].at_key("metadata");
    if (metadata.is_set()) metadata.forbidden("must not be specified in a nested context");
  }
};

// Whatever is checked below allOf and its like must be there outside.
class CompletenessChecker {
 public:
  // `outer`: the structural schema of the same value, which may not be there.
  static void check_values(const Field& nested, const Field& outer) {
    if (is_object(nested["not"])) check(nested["not"], outer);
    for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
      for (const Field& one : nested[keyword].items()) check(one, outer);
    }
  }

 private:
  static void check(const Field& nested, const Field& outer) {
    if (!is_object(outer)) return outer.required("because it is defined in " + nested.path());
    check_values(nested, outer);
    if (is_object(nested["items"])) check(nested["items"], outer["items"]);
    const Field properties = outer["properties"];
    each_property(nested, [&](std::string_view name, const Field& property) {
      check(property, properties.at_key(name));
    });
  }
};

void check_metadata(const Field& metadata, bool is_resource, Level level) {
  if (is_resource && !metadata["type"].is("object")) {
    metadata["type"].invalid_value('"' + std::string(metadata["type"].text()) + '"',
                                   "must be object");
  }
  if (level != Level::kRoot) return;
  bool is_plain = true;
  each_property(metadata, [&](std::string_view name, const Field&) {
    is_plain = is_plain && (name == "name" || name == "generateName");
  });
  if (is_plain &&
      has_only(*metadata.value(), {"type", "default", "properties", "externalDocs", "example"})) {
    return;
  }
  metadata.forbidden(
      "must not specify anything other than name and generateName, but metadata is implicitly "
      "specified");
}

void check_type(const Field& schema, Level level) {
  const Field type = schema["type"];
  if (schema[kEmbedded].flag() && !type.is("object")) {
    constexpr std::string_view kWhy = "must be object if x-kubernetes-embedded-resource is true";
    if (type.empty())
      type.required(kWhy);
    else
      type.invalid(kWhy);
  } else if (type.empty() && !schema[kIntOrString].flag() && !schema[kPreserve].flag()) {
    type.required(level == Level::kRoot   ? "must not be empty at the root"
                  : level == Level::kItem ? "must not be empty for specified array items"
                                          : "must not be empty for specified object fields");
  }
  if (level == Level::kRoot && !type.empty() && !type.is("object")) {
    type.invalid("must be object at the root");
  }
}

void check_resource(const Field& schema, Level level) {
  const bool embeds = schema[kEmbedded].flag();
  const bool is_resource = level == Level::kRoot || embeds;
  if (embeds && schema["additionalProperties"].is_set()) {
    schema["additionalProperties"].forbidden(
        "must not be used if x-kubernetes-embedded-resource is set");
  }
  for (const char* name : {"kind", "apiVersion"}) {
    const Field own = schema["properties"].at_key(name);
    if (!is_resource || !own.is_set() || own["type"].is("string")) continue;
    own["type"].invalid_value('"' + std::string(own["type"].text()) + '"', "must be string");
  }
  const Field metadata = schema["properties"].at_key("metadata");
  if (is_object(metadata)) check_metadata(metadata, is_resource, level);
  if (embeds && !schema[kPreserve].flag() && schema["properties"].size() == 0) {
    schema["properties"].required(
        "must not be empty if x-kubernetes-embedded-resource is true without "
        "x-kubernetes-preserve-unknown-fields");
  }
}

void check(const Field& schema, Level level) {
  const Field items = schema["items"], additional = schema["additionalProperties"];
  if (schema["type"].is("array") && !items.is_set()) items.required("must be specified");
  if (is_object(items)) check(items, Level::kItem);
  each_property(schema,
                [](std::string_view, const Field& property) { check(property, Level::kField); });
  if (additional.is_set() && level == Level::kRoot) {
    additional.forbidden("must not be used at the root");
  }
  if (is_object(additional)) check(additional, Level::kField);
  if (schema[kIntOrString].flag()) {
    constexpr std::string_view kWhy = "must be false if x-kubernetes-int-or-string is true";
    if (schema[kPreserve].flag()) schema[kPreserve].invalid(kWhy);
    if (schema[kEmbedded].flag()) schema[kEmbedded].invalid(kWhy);
  }
  const Field all = schema["allOf"];
  NestedChecker::check_values(schema, is_int_or_string_choice(schema),
                              all.size() > 0 && is_int_or_string_choice(all.at(0)));
  check_type(schema, level);
  check_resource(schema, level);
}

std::string own_unsupported(const Value& schema) {
  constexpr std::string_view kTexts[][2] = {{"id", "id"}, {"$schema", "schema"}, {"$ref", "$ref"}};
  const auto refuse = [](std::string_view name) {
    return "OpenAPIV3Schema '" + std::string(name) + "' is not supported";
  };
  for (const auto& [key, name] : kTexts) {
    if (!schema.string_at(key).empty()) return refuse(name);
  }
  for (const char* key : {"patternProperties", "dependencies"}) {
    if (const Value* map = find_set(schema, key); map != nullptr && !map->empty()) {
      return refuse(key);
    }
  }
  if (find_set(schema, "additionalItems") != nullptr) return refuse("additionalItems");
  const Value* definitions = find_set(schema, "definitions");
  if (definitions != nullptr && !definitions->empty()) return refuse("definitions");
  const Value* preserve = find_set(schema, kPreserve);
  if (preserve != nullptr && preserve->is_bool() && !preserve->as_bool()) {
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  }
  const Value* items = find_set(schema, "items");
  if (items != nullptr && items->is_array() && !items->empty()) {
    return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  }
  return "";
}

}  // namespace

std::string unsupported_of(const Value& schema) {
  if (!schema.is_object()) return "";
  std::string text = own_unsupported(schema);
  if (!text.empty()) return text;
  for (const char* key : {"not", "items", "additionalProperties"}) {
    const Value* below = schema.find(key);
    if (below != nullptr && below->is_object()) text = unsupported_of(*below);
    if (!text.empty()) return text;
  }
  for (const char* key : {"allOf", "anyOf", "oneOf"}) {
    const Value* list = schema.find(key);
    if (list == nullptr || !list->is_array()) continue;
    for (const Value& one : list->items()) {
      text = unsupported_of(one);
      if (!text.empty()) return text;
    }
  }
  const Value* properties = schema.find("properties");
  if (properties == nullptr || !properties->is_object()) return "";
  for (const api::Member& property : properties->members()) {
    text = unsupported_of(property.value);
    if (!text.empty()) return text;
  }
  return "";
}

std::vector<Cause> structural_complaints(const Value& schema, std::string_view path) {
  std::vector<Cause> causes;
  api::Arena arena;
  const Field root = Field(causes, arena, &schema).as(path);
  check(root, Level::kRoot);
  // Everywhere outside of allOf and its like, which the checker goes down by itself.
  CompletenessChecker::check_values(root, root);
  const auto text = [](const Cause& cause) { return cause.field + ": " + cause.message; };
  std::ranges::sort(causes, {}, text);
  return causes;
}

}  // namespace pinnace::apiserver
