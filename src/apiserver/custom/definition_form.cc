#include "apiserver/custom/definition_form.h"

#include <algorithm>
#include <span>
#include <vector>

#include "api/json.h"
#include "apiserver/custom/schema_keywords.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

struct Shared {
  std::string_view of_version, of_spec;
};
constexpr Shared kShared[] = {
    {"schema", "validation"},
    {"subresources", "subresources"},
    {"additionalPrinterColumns", "additionalPrinterColumns"},
    {"selectableFields", "selectableFields"},
};

bool are_alike(const Value* a, const Value* b) {
  const auto is_nothing = [](const Value* value) {
    return value == nullptr || (value->is_array() && value->empty());
  };
  if (is_nothing(a) || is_nothing(b)) return is_nothing(a) == is_nothing(b);
  return api::equal(*a, *b);
}

void share(api::Arena& arena, Value& spec, std::span<Value> versions, const Shared& field) {
  const Value* first = find_set(versions[0], field.of_version);
  for (const Value& version : versions.subspan(1)) {
    if (!are_alike(first, find_set(version, field.of_version))) return;
  }
  if (first != nullptr) spec.set_ref(arena, field.of_spec, *first);
  for (Value& version : versions) version.erase(field.of_version);
}

Value conversion_form(api::Arena& arena, const Value& conversion) {
  Value made = Value::object();
  const auto take = [&](const Value* from, std::string_view key, std::string_view as) {
    const Value* value = from == nullptr ? nullptr : find_set(*from, key);
    if (value != nullptr) made.set_ref(arena, as, *value);
  };
  const Value* webhook = find_set(conversion, "webhook");
  take(&conversion, "strategy", "strategy");
  take(webhook, "clientConfig", "webhookClientConfig");
  take(webhook, "conversionReviewVersions", "conversionReviewVersions");
  return made;
}

// -- Showing

enum class Kind {
  kText,
  kTextIfSet,
  kFlag,
  kAny,  // Whatever JSON is there; null for nothing.
  kSchema,
  kSchemas,
  kSchemaMap,
  kSchemaOrList,
  kSchemaOrFlag,
  kDependencies,
  kRules,
  kDocumentation,
  kValidation,
  kSubresources,
  kColumns,
  kPaths,
};

struct Shape {
  std::string_view key, shown;
  Kind kind;
};

constexpr Shape kSchemaShape[] = {
    {"id", "ID", Kind::kText},
    {"$schema", "Schema", Kind::kText},
    {"$ref", "Ref", Kind::kTextIfSet},
    {"description", "Description", Kind::kText},
    {"type", "Type", Kind::kText},
    {"nullable", "Nullable", Kind::kFlag},
    {"format", "Format", Kind::kText},
    {"title", "Title", Kind::kText},
    {"default", "Default", Kind::kAny},
    {"maximum", "Maximum", Kind::kAny},
    {"exclusiveMaximum", "ExclusiveMaximum", Kind::kFlag},
    {"minimum", "Minimum", Kind::kAny},
    {"exclusiveMinimum", "ExclusiveMinimum", Kind::kFlag},
    {"maxLength", "MaxLength", Kind::kAny},
    {"minLength", "MinLength", Kind::kAny},
    {"pattern", "Pattern", Kind::kText},
    {"maxItems", "MaxItems", Kind::kAny},
    {"minItems", "MinItems", Kind::kAny},
    {"uniqueItems", "UniqueItems", Kind::kFlag},
    {"multipleOf", "MultipleOf", Kind::kAny},
    {"enum", "Enum", Kind::kAny},
    {"maxProperties", "MaxProperties", Kind::kAny},
    {"minProperties", "MinProperties", Kind::kAny},
    {"required", "Required", Kind::kAny},
    {"items", "Items", Kind::kSchemaOrList},
    {"allOf", "AllOf", Kind::kSchemas},
    {"oneOf", "OneOf", Kind::kSchemas},
    {"anyOf", "AnyOf", Kind::kSchemas},
    {"not", "Not", Kind::kSchema},
    {"properties", "Properties", Kind::kSchemaMap},
    {"additionalProperties", "AdditionalProperties", Kind::kSchemaOrFlag},
    {"patternProperties", "PatternProperties", Kind::kSchemaMap},
    {"dependencies", "Dependencies", Kind::kDependencies},
    {"additionalItems", "AdditionalItems", Kind::kSchemaOrFlag},
    {"definitions", "Definitions", Kind::kSchemaMap},
    {"externalDocs", "ExternalDocs", Kind::kDocumentation},
    {"example", "Example", Kind::kAny},
    {"x-kubernetes-preserve-unknown-fields", "XPreserveUnknownFields", Kind::kAny},
    {"x-kubernetes-embedded-resource", "XEmbeddedResource", Kind::kFlag},
    {"x-kubernetes-int-or-string", "XIntOrString", Kind::kFlag},
    {"x-kubernetes-list-map-keys", "XListMapKeys", Kind::kAny},
    {"x-kubernetes-list-type", "XListType", Kind::kTextIfSet},
    {"x-kubernetes-map-type", "XMapType", Kind::kTextIfSet},
    {"x-kubernetes-validations", "XValidations", Kind::kRules},
};

constexpr Shape kRuleShape[] = {
    {"rule", "Rule", Kind::kText},
    {"message", "Message", Kind::kText},
    {"messageExpression", "MessageExpression", Kind::kText},
    {"reason", "Reason", Kind::kTextIfSet},
    {"fieldPath", "FieldPath", Kind::kText},
    {"optionalOldSelf", "OptionalOldSelf", Kind::kAny},
};

constexpr Shape kDocumentationShape[] = {
    {"description", "Description", Kind::kText},
    {"url", "URL", Kind::kText},
};

constexpr Shape kVersionShape[] = {
    {"name", "Name", Kind::kText},
    {"served", "Served", Kind::kFlag},
    {"storage", "Storage", Kind::kFlag},
    {"deprecated", "Deprecated", Kind::kFlag},
    {"deprecationWarning", "DeprecationWarning", Kind::kTextIfSet},
    {"schema", "Schema", Kind::kValidation},
    {"subresources", "Subresources", Kind::kSubresources},
    {"additionalPrinterColumns", "AdditionalPrinterColumns", Kind::kColumns},
    {"selectableFields", "SelectableFields", Kind::kPaths},
};

constexpr Shape kValidationShape[] = {{"openAPIV3Schema", "OpenAPIV3Schema", Kind::kSchema}};
constexpr Shape kPathShape[] = {{"jsonPath", "JSONPath", Kind::kText}};
constexpr Shape kColumnShape[] = {
    {"name", "Name", Kind::kText},        {"type", "Type", Kind::kText},
    {"format", "Format", Kind::kText},    {"description", "Description", Kind::kText},
    {"priority", "Priority", Kind::kAny}, {"jsonPath", "JSONPath", Kind::kText},
};
constexpr Shape kScaleShape[] = {
    {"specReplicasPath", "SpecReplicasPath", Kind::kText},
    {"statusReplicasPath", "StatusReplicasPath", Kind::kText},
    {"labelSelectorPath", "LabelSelectorPath", Kind::kTextIfSet},
};

class Shower {
 public:
  void object(const Value& value, std::span<const Shape> shape) {
    out_ += '{';
    for (const Shape& field : shape) {
      if (&field != shape.data()) out_ += ',';
      (((out_ += '"') += field.shown) += '"') += ':';
      member(find_set(value, field.key), field.kind);
    }
    out_ += '}';
  }

  void list(const Value& value, std::span<const Shape> shape) {
    out_ += '[';
    bool is_first = true;
    for (const Value& item : value.items()) {
      if (!is_first) out_ += ',';
      is_first = false;
      object(item, shape);
    }
    out_ += ']';
  }

  std::string take() { return std::move(out_); }

 private:
  void member(const Value* value, Kind kind) {
    if (kind == Kind::kText) return text(value == nullptr ? "" : text_of(*value));
    if (kind == Kind::kFlag) {
      out_ += value != nullptr && value->is_bool() && value->as_bool() ? "true" : "false";
      return;
    }
    if (value == nullptr) {
      out_ += "null";
      return;
    }
    set_member(*value, kind);
  }

  void set_member(const Value& value, Kind kind) {
    switch (kind) {
      case Kind::kText:
      case Kind::kTextIfSet:
        return text(text_of(value));
      case Kind::kFlag:
      case Kind::kAny:
        return api::write_json(out_, value);
      case Kind::kSchema:
        return object(value, kSchemaShape);
      case Kind::kSchemas:
        return list(value, kSchemaShape);
      case Kind::kSchemaMap:
        return map(value, [&](const Value& one) { object(one, kSchemaShape); });
      case Kind::kSchemaOrList:
        return choice("Schema", value.is_object() ? &value : nullptr, "JSONSchemas",
                      value.is_array() ? &value : nullptr);
      case Kind::kSchemaOrFlag:
        out_ += value.is_bool() && !value.as_bool() ? R"({"Allows":false,"Schema":)"
                                                    : R"({"Allows":true,"Schema":)";
        member(value.is_object() ? &value : nullptr, Kind::kSchema);
        out_ += '}';
        return;
      case Kind::kDependencies:
        return map(value, [&](const Value& one) {
          out_ += R"({"Schema":)";
          member(one.is_object() ? &one : nullptr, Kind::kSchema);
          out_ += R"(,"Property":)";
          member(one.is_array() ? &one : nullptr, Kind::kAny);
          out_ += '}';
        });
      case Kind::kRules:
        return list(value, kRuleShape);
      case Kind::kDocumentation:
        return object(value, kDocumentationShape);
      case Kind::kValidation:
        return object(value, kValidationShape);
      case Kind::kSubresources:
        out_ += R"({"Status":)";
        out_ += find_set(value, "status") == nullptr ? "null" : "{}";
        out_ += R"(,"Scale":)";
        if (const Value* scale = find_set(value, "scale"))
          object(*scale, kScaleShape);
        else
          out_ += "null";
        out_ += '}';
        return;
      case Kind::kColumns:
        return columns(value);
      case Kind::kPaths:
        return list(value, kPathShape);
    }
  }

  void columns(const Value& value) {
    api::Arena arena;
    Value all = Value::array();
    for (const Value& column : value.items()) {
      Value copy = api::deep_copy(arena, column);
      copy.set_ref(arena, "priority", Value::integer(column.int_at("priority")));
      all.append(arena, copy);
    }
    list(all, kColumnShape);
  }

  void choice(std::string_view one, const Value* schema, std::string_view other,
              const Value* schemas) {
    ((out_ += "{\"") += one) += "\":";
    member(schema, Kind::kSchema);
    ((out_ += ",\"") += other) += "\":";
    member(schemas, Kind::kSchemas);
    out_ += '}';
  }

  template <typename Show>
  void map(const Value& value, const Show& show) {
    std::vector<const api::Member*> sorted;
    for (const api::Member& one : value.members()) sorted.push_back(&one);
    std::ranges::sort(sorted, {}, [](const api::Member* one) { return one->key; });
    out_ += '{';
    for (const api::Member* one : sorted) {
      if (out_.back() != '{') out_ += ',';
      text(one->key);
      out_ += ':';
      show(one->value);
    }
    out_ += '}';
  }

  static std::string_view text_of(const Value& value) {
    return value.is_string() ? value.as_string() : std::string_view();
  }
  void text(std::string_view value) { api::write_json_string(out_, value); }

  std::string out_;
};

}  // namespace

Value rules_form(api::Arena& arena, const Value& spec) {
  Value made = api::deep_copy(arena, spec);
  if (const Value* conversion = find_set(spec, "conversion")) {
    made.set_ref(arena, "conversion", conversion_form(arena, *conversion));
  }
  Value* versions = made.find("versions");
  if (versions == nullptr || versions->empty()) return made;
  made.set_ref(arena, "version",
               Value::string_ref(made.find("versions")->items()[0].string_at("name")));
  const std::span<Value> all = made.find("versions")->items();
  for (const Shared& field : kShared) share(arena, made, all, field);
  return made;
}

std::string shown_versions(const Value& versions) {
  Shower shower;
  shower.list(versions, kVersionShape);
  return shower.take();
}

std::string shown_schema(const Value& schema) {
  Shower shower;
  shower.object(schema, kSchemaShape);
  return shower.take();
}

std::string shown_rule(const Value& rule) {
  Shower shower;
  shower.object(rule, kRuleShape);
  return shower.take();
}

}  // namespace pinnace::apiserver
