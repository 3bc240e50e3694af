#include "apiserver/custom/validate_schema.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "api/json.h"
#include "api/structural/formats.h"
#include "apiserver/custom/custom_rules.h"
#include "apiserver/custom/definition_form.h"
#include "apiserver/custom/field_path.h"
#include "apiserver/custom/schema_keywords.h"
#include "apiserver/custom/validate_defaults.h"
#include "apiserver/custom/validate_structure.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

constexpr std::array<std::string_view, 6> kTypes{"array",  "boolean", "integer",
                                                 "number", "object",  "string"};

bool is_one_of(std::string_view text, std::span<const std::string_view> list) {
  return std::ranges::find(list, text) != list.end();
}

bool has_line_break(std::string_view text) { return text.find_first_of("\r\n") != text.npos; }

// A keyword that only schemas of one type may have.
void demand_type(const Field& schema, std::string_view type, std::string_view keyword) {
  if (schema["type"].is(type)) return;
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
  if (!items.is_set()) items.required("must have a schema if x-kubernetes-list-type is map");
  if (!is_object(items)) return;
  if (!items["type"].is("object")) {
    return items["type"].invalid_value(
        '"' + std::string(items["type"].text()) + '"',
        "must be object if parent array's x-kubernetes-list-type is map");
  }
  std::set<std::string_view> seen;
  FieldMap properties(items["properties"]);
  for (const Field& key : keys.items()) {
    const Field property = properties.at_key(key.text());
    if (!property.is_set()) {
      keys.invalid("entries must all be names of item properties");
    } else if (property["type"].is_among({"array", "object"})) {
      property["type"].invalid_value(
          "\"object\"", "must be a scalar type if parent array's x-kubernetes-list-type is map");
    }
    if (!seen.insert(key.text()).second) keys.invalid("must not contain duplicate entries");
  }
}

// What is not asked when it was not so before.
void check_items_of_set(const Field& schema) {
  constexpr std::string_view kWhy =
      "must be atomic as item of a list with x-kubernetes-list-type=set";
  const Field items = schema["items"];
  const Field list = items[kListType], map = items[kMapType];
  if (items["type"].is("array") && list.is_set() && !list.is("atomic")) list.invalid(kWhy);
  if (items["type"].is("object") && !map.is("atomic")) map.invalid_value(list.shown(), kWhy);
}

void check_keyed_items(const Field& schema) {
  const Field list = schema[kListType], items = schema["items"];
  if (!is_object(items) || !list.is_among({"set", "map"})) return;
  if (items["nullable"].flag()) {
    items["nullable"].forbidden("cannot be nullable when x-kubernetes-list-type is " +
                                std::string(list.text()));
  }
  if (!list.is("map")) return;
  std::set<std::string_view> required;
  for (const Field& name : items["required"].items()) required.insert(name.text());
  FieldMap properties(items["properties"]);
  for (const Field& key : schema[kListKeys].items()) {
    const Field property = properties.at_key(key.text());
    if (!property.is_set()) continue;
    if (!required.contains(key.text()) && !property["default"].is_set()) {
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

void check_topology(const Field& schema, const SchemaDemands& demands) {
  const Field list = schema[kListType], map = schema[kMapType];
  if (map.is_set()) {
    demand_type(schema, "object", kMapType);
    if (!map.is_among({"atomic", "granular"})) map.not_supported({"atomic", "granular"});
  }
  if (list.is_set() && !schema["type"].is("array")) {
    demand_type(schema, "array", kListType);
  } else if (demands.atomic_sets && list.is("set") && is_object(schema["items"])) {
    check_items_of_set(schema);
  }
  if (list.is_set() && !list.is_among({"atomic", "set", "map"})) {
    list.not_supported({"atomic", "set", "map"});
  }
  if (schema[kListKeys].size() > 0 && !list.is("map")) {
    constexpr std::string_view kWhy = "must be map if x-kubernetes-list-map-keys is non-empty";
    if (list.is_set())
      list.invalid(kWhy);
    else
      list.required(kWhy);
  }
  if (list.is("map")) check_map_keys(schema);
  if (demands.keyed_items) check_keyed_items(schema);
}

void check_rule_message(const Field& rule) {
  const Field message = rule["message"];
  const std::string_view text = trim(rule["rule"].text());
  if (text.empty()) {
    rule["rule"].required("rule is not specified");
  } else if (!message.empty() && trim(message.text()).empty()) {
    message.invalid("must be non-empty if specified");
  } else if (has_line_break(trim(message.text()))) {
    message.invalid("must not contain line breaks");
  } else if (has_line_break(text) && message.empty()) {
    message.required("message must be specified if rule contains line breaks");
  }
}

void check_rule(const Field& rule, const Value& schema) {
  check_rule_message(rule);
  const Field expression = rule["messageExpression"];
  if (!expression.empty() && trim(expression.text()).empty()) {
    expression.required("messageExpression must be non-empty if specified");
  }
  if (rule["reason"].is_set() &&
      !rule["reason"].is_among({"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid",
                                "FieldValueRequired"})) {
    rule["reason"].not_supported(
        {"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"});
  }
  const Field path = rule["fieldPath"];
  if (path.empty()) return;
  if (trim(path.text()).empty()) path.invalid("must be non-empty if specified");
  if (has_line_break(path.text())) path.invalid("must not contain line breaks");
  if (unsupported_of(schema).empty() && !follow_field_path(path.text(), schema)) {
    path.invalid("must be a valid path");
  }
}

// Where in a definition a schema stands.
struct Place {
  bool is_root = false;
  bool is_in_metadata = false;
  std::optional<std::string> no_defaults;
};

class OpenApiChecker {
 public:
  explicit OpenApiChecker(const SchemaDemands& demands) : demands_(demands) {}

  void check(const Field& schema, const Place& place) {
    if (!is_object(schema)) return;
    check_unsupported(schema, place);
    if (schema["uniqueItems"].flag()) {
      schema["uniqueItems"].forbidden(
          "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
    }
    const Place below{false, place.is_in_metadata, place.no_defaults};
    check_additional(schema, below);
    check_properties(schema, place);
    check(schema["not"], below);
    for (const char* keyword : {"allOf", "oneOf", "anyOf"}) {
      for (const Field& one : schema[keyword].items()) check(one, below);
    }
    for (const auto& [name, one] : schema["definitions"].entries()) check(one, below);
    check(schema["items"], below);
    for (const Field& one : schema["items"].items()) check(one, below);
    for (const auto& [name, one] : schema["dependencies"].entries()) check(one, below);
    if (schema[kPreserve].is_set() && !schema[kPreserve].flag()) {
      schema[kPreserve].invalid("must be true or undefined");
    }
    check_topology(schema, demands_);
    for (const Field& rule : schema[kRules].items()) check_rule(rule, *schema.value());
  }

 private:
  void check_unsupported(const Field& schema, const Place& place) const {
    const Field type = schema["type"];
    if (demands_.known_types && !type.empty() && !is_one_of(type.text(), kTypes)) {
      type.not_supported({kTypes.begin(), kTypes.end()});
    }
    if (schema["default"].is_set() && place.no_defaults) {
      schema["default"].forbidden("must not be set" +
                                  (place.no_defaults->empty() ? "" : " " + *place.no_defaults));
    }
    const auto refuse = [&](std::string_view name, bool is_there) {
      if (is_there) schema[name].forbidden(std::string(name) + " is not supported");
    };
    refuse("id", !schema["id"].empty());
    refuse("additionalItems", schema["additionalItems"].is_set());
    refuse("patternProperties", schema["patternProperties"].size() > 0);
    refuse("definitions", schema["definitions"].size() > 0);
    refuse("dependencies", schema["dependencies"].is_set());
    refuse("$ref", schema["$ref"].is_set());
    if (type.is("null")) {
      type.forbidden("type cannot be set to null, use nullable as an alternative");
    }
    if (schema["items"].is_set() && schema["items"].value()->is_array() &&
        schema["items"].size() > 0) {
      schema["items"].forbidden("items must be a schema object and not an array");
    }
    if (place.is_in_metadata && schema[kEmbedded].flag()) {
      schema[kEmbedded].forbidden("must not be used inside of resource meta");
    }
  }

  void check_additional(const Field& schema, Place below) {
    const Field additional = schema["additionalProperties"];
    if (!additional.is_set()) return;
    const bool is_just_true = additional.value()->is_bool() && additional.flag();
    if (schema["properties"].size() > 0 && !is_just_true) {
      additional.forbidden("additionalProperties and properties are mutual exclusive");
    }
    if (below.is_in_metadata) {
      below.no_defaults = "inside additionalProperties applying to object metadata";
    }
    check(additional, below);
  }

  void check_properties(const Field& schema, const Place& place) {
    const bool is_resource = place.is_root || schema[kEmbedded].flag();
    each_property(schema, [&](std::string_view name, const Field& property) {
      Place below{false, place.is_in_metadata, place.no_defaults};
      if (is_resource && (name == "metadata" || name == "kind" || name == "apiVersion")) {
        below.is_in_metadata = true;
        if (place.is_root) below.no_defaults = "in top-level " + std::string(name);
      }
      check(property, below);
    });
  }

  const SchemaDemands& demands_;
};

// With a status subresource, what the root says of the status must stand in its property.
void check_root_for_status(const Field& schema) {
  static constexpr std::string_view kAllowed[] = {
      "description",      "type",     "format",           "title",        "maximum",
      "exclusiveMaximum", "minimum",  "exclusiveMinimum", "maxLength",    "minLength",
      "pattern",          "maxItems", "minItems",         "uniqueItems",  "multipleOf",
      "required",         "items",    "properties",       "externalDocs", "example",
      kPreserve,          kRules};
  const Field type = schema["type"];
  if (!type.empty() && !type.is("object")) {
    return type.invalid(
        "only \"object\" is allowed as the type at the root of the schema if the status "
        "subresource is enabled");
  }
  for (const api::Member& member : schema.value()->members()) {
    const bool says_something =
        member.value.is_number() || (member.value.is_bool() && member.value.as_bool()) ||
        member.value.size() > 0 || (member.value.is_string() && !member.value.as_string().empty());
    if (!says_something || is_one_of(member.key, kAllowed)) continue;
    return schema.invalid_value(
        shown_schema(*schema.value()),
        "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum "
        "MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items "
        "Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed "
        "at the root of the schema if the status subresource is enabled");
  }
}

template <typename Holds>
bool any_schema(const Value& schema, const Holds& holds) {
  if (!schema.is_object()) return false;
  if (holds(schema)) return true;
  const auto below = [&](const Value& one) { return any_schema(one, holds); };
  for (const char* key : {"items", "additionalProperties", "additionalItems", "not"}) {
    const Value* one = schema.find(key);
    if (one == nullptr) continue;
    if (one->is_array() ? std::ranges::any_of(std::as_const(*one).items(), below) : below(*one)) {
      return true;
    }
  }
  for (const char* key : {"allOf", "anyOf", "oneOf"}) {
    const Value* list = schema.find(key);
    if (list != nullptr && list->is_array() &&
        std::ranges::any_of(std::as_const(*list).items(), below)) {
      return true;
    }
  }
  for (const char* key : {"properties", "patternProperties", "definitions", "dependencies"}) {
    const Value* map = schema.find(key);
    if (map != nullptr && map->is_object() &&
        std::ranges::any_of(std::as_const(*map).members(),
                            [&](const api::Member& member) { return below(member.value); })) {
      return true;
    }
  }
  return false;
}

bool is_set_at(const Value& schema, std::string_view key) {
  const Value* value = schema.find(key);
  return value != nullptr && !value->is_null();
}

// Whether a rule complains about a schema itself.
template <typename Check>
bool complains(const Value& schema, const Check& check) {
  std::vector<Cause> causes;
  api::Arena arena;
  check(Field(causes, arena, &schema));
  return !causes.empty();
}

}  // namespace

void validate_schema(const Field& validation, const SchemaDemands& demands) {
  const Field schema = validation["openAPIV3Schema"];
  if (!is_object(schema)) return;
  auto& causes = schema.causes();
  const std::size_t before = causes.size();
  if (demands.has_status) check_root_for_status(schema);
  if (schema["nullable"].flag()) {
    schema["nullable"].forbidden("nullable cannot be true at the root");
  }
  std::string unsupported;
  bool asks_rules = false;
  if (demands.structure) {
    unsupported = unsupported_of(*schema.value());
    if (unsupported.empty()) {
      std::vector<Cause> found = structural_complaints(*schema.value(), schema.path());
      if (found.empty()) {
        validate_defaults(found, *schema.value(), schema.path(), demands.pruned_defaults);
      }
      asks_rules = found.empty();
      causes.insert(causes.end(), found.begin(), found.end());
    }
  }
  const std::size_t outside = causes.size();
  OpenApiChecker(demands).check(schema, {true, false, demands.no_defaults});
  if (causes.size() == before && !unsupported.empty()) {
    schema.invalid_value("\"\"", unsupported);
  }
  const bool is_right = causes.size() == before;
  if (is_right || asks_rules) {
    const auto parsed = api::structural::Schema::parse(*schema.value());
    if (!parsed) {
      if (!is_right) return;
      return validation.invalid_value("\"\"",
                                      "error building validator: " + parsed.error().message);
    }
    const auto& root = (*parsed)->root();
    if (!asks_rules || !root.has_rules) return;
    RuleComplaints complaints{&causes, schema.path(), demands.affordable_rules};
    for (std::size_t i = outside; i < causes.size(); ++i) {
      complaints.faulty.insert(causes[i].field);
    }
    CustomRules::create(*schema.value(), root, &complaints);
  }
}

bool has_unknown_types(const Value& schema) {
  return any_schema(schema, [](const Value& one) {
    const std::string_view type = one.string_at("type");
    return !type.empty() && !is_one_of(type, kTypes);
  });
}

bool has_structured_sets(const Value& schema) {
  return any_schema(schema, [](const Value& one) {
    return one.string_at(kListType) == "set" && complains(one, check_items_of_set);
  });
}

bool has_unkeyed_items(const Value& schema) {
  return any_schema(schema, [](const Value& one) { return complains(one, check_keyed_items); });
}

bool has_extensions(const Value& schema) {
  return any_schema(schema, [](const Value& one) {
    const auto is_filled = [&](std::string_view key) {
      const Value* list = one.find(key);
      return list != nullptr && !list->empty();
    };
    return one.bool_at(kEmbedded) || is_set_at(one, kPreserve) || one.bool_at(kIntOrString) ||
           is_filled(kListKeys) || is_set_at(one, kListType) || is_filled(kRules);
  });
}

bool has_defaults(const Value& schema) {
  return any_schema(schema, [](const Value& one) { return is_set_at(one, "default"); });
}

std::vector<std::string> unknown_formats(const Value& schema) {
  std::vector<std::string> found;
  any_schema(schema, [&](const Value& one) {
    const std::string_view format = one.string_at("format");
    if (one.string_at("type") == "string" && !format.empty() &&
        !api::structural::is_known_format(format)) {
      found.emplace_back(format);
    }
    return false;
  });
  return found;
}

}  // namespace pinnace::apiserver
