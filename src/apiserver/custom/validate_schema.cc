#include "apiserver/custom/validate_schema.h"

#include <algorithm>
#include <array>
#include <string>

#include "api/json.h"
#include "api/structural/pattern.h"
#include "api/structural/shaping.h"
#include "api/structural/validate.h"
#include "apiserver/custom/custom_rules.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

enum class Level { kRoot, kItem, kField };

constexpr std::string_view kEmbedded = "x-kubernetes-embedded-resource";
constexpr std::string_view kIntOrString = "x-kubernetes-int-or-string";
constexpr std::string_view kPreserve = "x-kubernetes-preserve-unknown-fields";
constexpr std::string_view kListType = "x-kubernetes-list-type";
constexpr std::string_view kListKeys = "x-kubernetes-list-map-keys";
constexpr std::string_view kMapType = "x-kubernetes-map-type";
constexpr std::string_view kRules = "x-kubernetes-validations";

constexpr std::array<std::string_view, 6> kTypes{"array",  "boolean", "integer",
                                                 "number", "object",  "string"};

bool is_one_of(std::string_view text, std::span<const std::string_view> list) {
  return std::ranges::find(list, text) != list.end();
}

bool is_scalar(std::string_view type) {
  return type == "string" || type == "integer" || type == "number" || type == "boolean";
}

// Whether `required` of an object's schema names a property.
bool requires_property(const Field& schema, std::string_view name) {
  for (const Field& item : schema["required"].items()) {
    if (item.text() == name) return true;
  }
  return false;
}

template <typename Visit>
void each_property(const Field& schema, const Visit& visit) {
  for (const auto& [name, property] : schema["properties"].entries()) visit(name, property);
}

// What OpenAPI has and custom resources have not.
void check_unsupported(const Field& schema) {
  if (schema["uniqueItems"].flag()) {
    schema["uniqueItems"].forbidden(
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
  }
  for (const char* name :
       {"definitions", "dependencies", "patternProperties", "additionalItems", "$ref", "id"}) {
    if (!schema[name].empty() || (schema[name].is_set() && schema[name].value()->is_object())) {
      schema[name].forbidden(std::string(name) + " is not supported");
    }
  }
  if (schema["items"].is_set() && schema["items"].value()->is_array()) {
    schema["items"].forbidden("items must be a schema object and not an array");
  }
  const Field additional = schema["additionalProperties"];
  if (!additional.is_set()) return;
  if (additional.value()->is_bool() && !additional.flag()) {
    additional.forbidden("additionalProperties cannot be set to false");
  }
  if (schema["properties"].size() > 0) {
    additional.forbidden("additionalProperties and properties are mutual exclusive");
  }
}

void check_type(const Field& schema) {
  const Field type = schema["type"];
  if (type.text() == "null") {
    type.forbidden("type cannot be set to null, use nullable as an alternative");
  } else if (!type.empty() && !is_one_of(type.text(), kTypes)) {
    type.not_supported({kTypes.begin(), kTypes.end()});
  }
}

// A keyword that only schemas of one type may have.
void demand_type(const Field& schema, std::string_view type, std::string_view keyword) {
  if (schema["type"].text() == type) return;
  const std::string why =
      "must be " + std::string(type) + " if " + std::string(keyword) + " is specified";
  if (schema["type"].empty())
    schema["type"].required(why);
  else
    schema["type"].invalid(why);
}

void check_map_keys(const Field& schema) {
  const Field keys = schema[kListKeys], items = schema["items"];
  if (keys.empty()) keys.required("must not be empty if x-kubernetes-list-type is map");
  if (!items.is_set()) {
    return items.required("must have a schema if x-kubernetes-list-type is map");
  }
  if (items["type"].text() != "object") {
    items["type"].invalid("must be object if parent array's x-kubernetes-list-type is map");
  }
  std::vector<std::string_view> seen;
  for (const Field& key : keys.items()) {
    if (std::ranges::find(seen, key.text()) != seen.end()) {
      key.duplicate();
      continue;
    }
    seen.push_back(key.text());
    const Field property = items["properties"].at_key(key.text());
    if (!property.is_set()) {
      key.invalid("entries must all be names of item properties");
      continue;
    }
    if (!is_scalar(property["type"].text()) && !property[kIntOrString].flag()) {
      property["type"].invalid(
          "must be a scalar type if parent array's x-kubernetes-list-type is map");
    }
    if (!property["default"].is_set() && !requires_property(items, key.text())) {
      property["default"].required(
          "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
          "required property");
    }
    if (property["nullable"].flag()) {
      property["nullable"].forbidden(
          "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
    }
  }
}

void check_set_items(const Field& schema) {
  const Field items = schema["items"];
  if (!items.is_set()) return items.required("must have a schema if x-kubernetes-list-type is set");
  if (items["nullable"].flag()) {
    items["nullable"].forbidden("cannot be nullable when x-kubernetes-list-type is set");
  }
  const std::string_view type = items["type"].text();
  if (type == "object" && items[kMapType].text() != "atomic") {
    items[kMapType].invalid("must be atomic as item of a list with x-kubernetes-list-type=set");
  }
  const std::string_view list = items[kListType].text();
  if (type == "array" && !list.empty() && list != "atomic") {
    items[kListType].invalid("must be atomic as item of a list with x-kubernetes-list-type=set");
  }
}

void check_topology(const Field& schema) {
  const Field list = schema[kListType], map = schema[kMapType];
  if (!map.empty()) {
    demand_type(schema, "object", kMapType);
    if (map.text() != "atomic" && map.text() != "granular") {
      map.not_supported({"atomic", "granular"});
    }
  }
  if (!list.empty()) {
    demand_type(schema, "array", kListType);
    if (list.text() == "map")
      check_map_keys(schema);
    else if (list.text() == "set")
      check_set_items(schema);
    else if (list.text() != "atomic")
      list.not_supported({"atomic", "map", "set"});
  }
  if (schema[kListKeys].empty() || list.text() == "map") return;
  constexpr std::string_view kWhy = "must be map if x-kubernetes-list-map-keys is non-empty";
  if (list.empty())
    list.required(kWhy);
  else
    list.invalid(kWhy);
}

void check_rule(const Field& rule) {
  const Field message = rule["message"];
  if (trim(rule["rule"].text()).empty()) rule["rule"].required("rule is not specified");
  if (message.is_set() && !message.empty()) {
    if (trim(message.text()).empty()) {
      message.invalid("message must be non-empty if specified");
    } else if (message.text().find('\n') != std::string_view::npos) {
      message.invalid("message must not contain line breaks");
    }
  }
  if (rule["rule"].text().find('\n') != std::string_view::npos && message.empty()) {
    message.required("message must be specified if rule contains line breaks");
  }
  const std::string_view reason = rule["reason"].text();
  constexpr std::array<std::string_view, 4> kReasons{"FieldValueRequired", "FieldValueForbidden",
                                                     "FieldValueInvalid", "FieldValueDuplicate"};
  if (!reason.empty() && !is_one_of(reason, kReasons)) {
    rule["reason"].not_supported({kReasons.begin(), kReasons.end()});
  }
}

void check_keywords(const Field& schema) {
  check_topology(schema);
  const Field pattern = schema["pattern"], preserve = schema[kPreserve];
  if (!pattern.empty()) {
    const auto compiled = api::structural::Pattern::compile(pattern.text());
    if (!compiled) {
      pattern.invalid("must be a valid regular expression, but isn't: error parsing regexp: " +
                      compiled.error().message);
    }
  }
  if (preserve.is_set() && !preserve.flag()) preserve.invalid("must be true or undefined");
  if (schema["type"].empty() && !schema[kIntOrString].flag() && !schema[kRules].empty()) {
    schema["type"].required("must be non-empty if x-kubernetes-validations are specified");
  }
  for (const Field& rule : schema[kRules].items()) check_rule(rule);
}

// The rules that make a schema structural, below allOf and its like: nothing there may add to what
// the schema says outside.
class NestedChecker {
 public:
  // `outer` is the structural schema of the same value, which may be missing.
  void check(const Field& nested, const Field& outer) {
    check_forbidden(nested);
    each_property(nested, [&](std::string_view name, const Field& property) {
      const Field there = outer["properties"].at_key(name);
      if (!there.is_set()) {
        there.required("because it is defined in " + property.path());
      } else {
        check(property, there);
      }
    });
    if (nested["items"].is_set()) {
      if (!outer["items"].is_set()) {
        outer["items"].required("because it is defined in " + nested["items"].path());
      } else {
        check(nested["items"], outer["items"]);
      }
    }
    check_all(nested, outer);
  }

  void check_all(const Field& schema, const Field& outer) {
    const bool takes_both = outer[kIntOrString].flag();
    for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
      for (const Field& one : schema[keyword].items()) {
        // "anyOf: [integer, string]" says again what int-or-string says.
        const bool is_choice = takes_both && one.value()->size() == 1 &&
                               (one["type"].text() == "integer" || one["type"].text() == "string");
        if (!is_choice) check(one, outer);
      }
    }
    if (schema["not"].is_set()) check(schema["not"], outer);
  }

 private:
  static void check_forbidden(const Field& nested) {
    for (const char* name : {"type", "title", "description"}) {
      if (!nested[name].empty()) nested[name].forbidden("must be empty to be structural");
    }
    for (const char* name : {"default", "additionalProperties"}) {
      if (nested[name].is_set()) nested[name].forbidden("must be undefined to be structural");
    }
    if (nested["nullable"].flag()) nested["nullable"].forbidden("must be false to be structural");
    for (const std::string_view name : {kPreserve, kEmbedded, kIntOrString}) {
      if (nested[name].flag()) nested[name].forbidden("must be false to be structural");
    }
    for (const std::string_view name : {kListType, kMapType}) {
      if (!nested[name].empty()) nested[name].forbidden("must be undefined to be structural");
    }
    if (!nested[kListKeys].empty()) {
      nested[kListKeys].forbidden("must be empty to be structural");
    }
    if (!nested[kRules].empty()) nested[kRules].forbidden("must be empty to be structural");
  }
};

void check_metadata(const Field& metadata) {
  if (metadata["type"].text() != "object") metadata["type"].invalid("must be object");
  bool is_plain = true;
  each_property(metadata, [&](std::string_view name, const Field&) {
    is_plain = is_plain && (name == "name" || name == "generateName");
  });
  if (is_plain && !metadata["additionalProperties"].is_set()) return;
  metadata.forbidden(
      "must not specify anything other than name and generateName, but metadata is implicitly "
      "specified");
}

void check_structural(const Field& schema, Level level) {
  const Field type = schema["type"];
  const bool embeds = schema[kEmbedded].flag(), takes_both = schema[kIntOrString].flag();
  if (embeds && type.text() != "object") {
    constexpr std::string_view kWhy = "must be object if x-kubernetes-embedded-resource is true";
    if (type.empty())
      type.required(kWhy);
    else
      type.invalid(kWhy);
  } else if (type.empty() && !takes_both && !schema[kPreserve].flag()) {
    type.required(level == Level::kRoot   ? "must not be empty at the root"
                  : level == Level::kItem ? "must not be empty for specified array items"
                                          : "must not be empty for specified object fields");
  }
  if (level == Level::kRoot && !type.empty() && type.text() != "object") {
    type.invalid("must be object at the root");
  }
  if (takes_both) {
    constexpr std::string_view kWhy = "must be false if x-kubernetes-int-or-string is true";
    if (schema[kPreserve].flag()) schema[kPreserve].invalid(kWhy);
    if (embeds) schema[kEmbedded].invalid(kWhy);
  }
  if (embeds && schema["additionalProperties"].is_set()) {
    schema["additionalProperties"].forbidden(
        "must not be used if x-kubernetes-embedded-resource is set");
  }
  if (embeds && !schema[kPreserve].flag() && schema["properties"].size() == 0) {
    schema["properties"].required(
        "must not be empty if x-kubernetes-embedded-resource is true without "
        "x-kubernetes-preserve-unknown-fields");
  }
  if (level == Level::kRoot || embeds) {
    for (const char* name : {"kind", "apiVersion"}) {
      const Field own = schema["properties"].at_key(name);
      if (own.is_set() && own["type"].text() != "string") own["type"].invalid("must be string");
    }
    const Field metadata = schema["properties"].at_key("metadata");
    if (metadata.is_set()) check_metadata(metadata);
  }
  NestedChecker().check_all(schema, schema);
  each_property(schema, [](std::string_view, const Field& property) {
    check_structural(property, Level::kField);
  });
  if (schema["items"].is_set()) check_structural(schema["items"], Level::kItem);
  const Field additional = schema["additionalProperties"];
  if (additional.is_set() && additional.value()->is_object()) {
    check_structural(additional, Level::kField);
  }
}

template <typename Visit>
void each_schema(const Field& schema, const Visit& visit) {
  if (!schema.is_set() || !schema.value()->is_object()) return;
  visit(schema);
  each_property(schema, [&](std::string_view, const Field& below) { each_schema(below, visit); });
  for (const char* name : {"items", "additionalProperties", "not"}) {
    each_schema(schema[name], visit);
  }
  for (const char* name : {"allOf", "anyOf", "oneOf"}) {
    for (const Field& below : schema[name].items()) each_schema(below, visit);
  }
}

// Defaults are what would be stored: nothing is dropped of them, and they are valid.
void check_defaults(std::vector<Cause>& causes, const Value& schema,
                    const api::structural::Node& node, const std::string& path) {
  if (!node.has_defaults) return;
  if (node.default_value != nullptr) {
    api::Arena arena;
    std::vector<std::string> unknown;
    Value pruned = api::deep_copy(arena, *node.default_value);
    api::structural::prune_value(pruned, node, &unknown);
    if (!unknown.empty()) {
      causes.push_back(cause::invalid(path + ".default", api::to_json_text(*node.default_value),
                                      "must not have unknown fields"));
    }
    // What is missing inside is filled in when the default is.
    api::structural::apply_defaults(arena, pruned, node);
    api::structural::validate(causes, pruned, node, nullptr, path + ".default");
    api::structural::validate_lists(causes, pruned, node, path + ".default");
  }
  for (const auto& property : node.properties) {
    const std::string name(property.name);
    check_defaults(causes, *schema.find_path({"properties", name}), *property.node,
                   path + ".properties[" + name + "]");
  }
  if (node.items != nullptr) {
    check_defaults(causes, *schema.find("items"), *node.items, path + ".items");
  }
  if (node.additional != nullptr) {
    check_defaults(causes, *schema.find("additionalProperties"), *node.additional,
                   path + ".additionalProperties");
  }
}

}  // namespace

void validate_schema(const Field& schema, const SchemaDemands& demands) {
  auto& causes = schema.causes();
  const std::size_t before = causes.size();
  if (demands.is_strict) {
    each_schema(schema, [](const Field& one) {
      check_unsupported(one);
      check_type(one);
      check_keywords(one);
    });
    if (schema["nullable"].flag()) {
      schema["nullable"].forbidden("nullable cannot be true at the root");
    }
  }
  if (demands.is_structural) check_structural(schema, Level::kRoot);
  if (causes.size() > before) return;
  const auto parsed = api::structural::Schema::parse(*schema.value());
  if (!parsed) return schema.invalid_value("\"\"", parsed.error().message);
  const auto& root = (*parsed)->root();
  check_defaults(causes, *schema.value(), root, schema.path());
  if (root.has_rules) CustomRules::create(*schema.value(), root, &causes, schema.path());
}

}  // namespace pinnace::apiserver
