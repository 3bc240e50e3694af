#include "apiserver/openapi/openapi_schema.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "api/json.h"
#include "apiserver/openapi/openapi_custom.h"
#include "base/strings.h"

namespace pinnace::apiserver {

// A form that has a definition of its own.
struct NamedForm {
  api::Form form;
  std::string_view name, type, format, doc;
  bool is_number_or_text = false;  // Said as such in v3; v2 has no way to.
};

namespace {

using api::Arena;
using api::Container;
using api::FieldInfo;
using api::Form;
using api::ListType;
using api::TypeForm;
using api::TypeInfo;
using api::Value;

Value text(std::string_view value) { return Value::string_ref(value); }

constexpr NamedForm kNamedForms[] = {
    {Form::kTime, "io.k8s.apimachinery.pkg.apis.meta.v1.Time", "string", "date-time",
     "A moment in RFC 3339 form, to the second."},
    {Form::kMicroTime, "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime", "string", "date-time",
     "A moment in RFC 3339 form, to the microsecond."},
    {Form::kDuration, "io.k8s.apimachinery.pkg.apis.meta.v1.Duration", "string", "",
     "A span of time such as \"1h30m\"."},
    {Form::kQuantity, "io.k8s.apimachinery.pkg.api.resource.Quantity", "string", "",
     "An amount with an optional suffix, such as \"500m\", \"1.5\" or \"2Gi\".", true},
    {Form::kIntOrString, "io.k8s.apimachinery.pkg.util.intstr.IntOrString", "string",
     "int-or-string", "A number or a text: a port by number or name, a count or a percentage.",
     true},
    {Form::kRawObject, "io.k8s.apimachinery.pkg.runtime.RawExtension", "object", "",
     "Any object; it is kept as it is."},
    {Form::kAnyJson, "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON", "", "",
     "Any JSON value."},
};
constexpr NamedForm kFieldSet = {Form::kAnyJson, "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
                                 "object", "", "A set of fields, as a trie of their names."};

const NamedForm* named_form(const FieldInfo& field) {
  // The one field of any JSON that has a name of its own.
  if (field.form == Form::kAnyJson && field.name == "fieldsV1") return &kFieldSet;
  for (const NamedForm& named : kNamedForms) {
    if (named.form == field.form) return &named;
  }
  return nullptr;
}

bool is_definition(const TypeInfo& type) { return type.form != TypeForm::kWrapperList; }

class SchemaMaker {
 public:
  // `is_custom`: of a custom kind or its list, whose fields have no zero values.
  SchemaMaker(Arena& arena, OpenApi version, bool is_custom = false)
      : arena_(arena), version_(version), is_custom_(is_custom) {}

  Value reference(std::string_view name) {
    const std::string_view prefix =
        version_ == OpenApi::kV2 ? "#/definitions/" : "#/components/schemas/";
    Value out = Value::object();
    out.set_ref(arena_, "$ref", Value::string(arena_, std::string(prefix) + std::string(name)));
    return out;
  }

  Value named(const NamedForm& form) {
    Value out = Value::object();
    out.set_ref(arena_, "description", text(form.doc));
    if (!form.format.empty()) out.set_ref(arena_, "format", text(form.format));
    if (!form.is_number_or_text || version_ == OpenApi::kV2) {
      if (!form.type.empty()) out.set_ref(arena_, "type", text(form.type));
      return out;
    }
    constexpr std::string_view kAmount[] = {"string", "number"};
    constexpr std::string_view kNumberOrName[] = {"integer", "string"};
    Value& choices = out.set_ref(arena_, "oneOf", Value::array());
    for (const auto type : form.form == Form::kQuantity ? kAmount : kNumberOrName) {
      choices.append(arena_, Value::object()).set_ref(arena_, "type", text(type));
    }
    return out;
  }

  // What stands for one field of a type.
  Value member(const TypeInfo& type, const FieldInfo& field) {
    Value out = property(field, doc_of(type, field));
    // Kubernetes' lists do not say how their items are merged: nobody applies them.
    if (type.is_kind && type.name.ends_with("List") && field.name == "items") {
      out.erase("x-kubernetes-list-type");
    }
    return out;
  }

  Value definition(const TypeInfo& type) {
    Value out = Value::object();
    if (!type.doc.empty()) out.set_ref(arena_, "description", text(type.doc));
    // One of several forms, which a schema without a type admits.
    if (type.form == TypeForm::kOneOf) return out;
    out.set_ref(arena_, "type", text("object"));
    Value properties = Value::object(), required = Value::array();
    if (type.is_kind) {
      add_text(properties, "apiVersion", kApiVersionDoc);
      add_text(properties, "kind", kKindDoc);
    }
    add_fields(type, properties, required);
    if (!required.empty()) out.set_ref(arena_, "required", required);
    if (!properties.empty()) out.set_ref(arena_, "properties", properties);
    if (type.atomic) out.set_ref(arena_, "x-kubernetes-map-type", text("atomic"));
    return out;
  }

 private:
  void add_text(Value& properties, std::string_view name, std::string_view doc) {
    Value& property = properties.set_ref(arena_, name, Value::object());
    property.set_ref(arena_, "description", text(doc));
    property.set_ref(arena_, "type", text("string"));
  }

  void add_fields(const TypeInfo& type, Value& properties, Value& required) {
    for (const FieldInfo& field : type.fields) {
      if (field.is_inline) {
        add_fields(*field.type, properties, required);
        continue;
      }
      properties.set_ref(arena_, field.name, member(type, field));
      if (field.required) required.append(arena_, text(field.name));
    }
  }

  static std::string_view doc_of(const TypeInfo& type, const FieldInfo& field) {
    const bool is_metadata = type.is_kind && field.type != nullptr &&
                             field.type->name == "ObjectMeta" && field.name == "metadata";
    return is_metadata ? kMetadataDoc : field.doc;
  }

  Value property(const FieldInfo& field, std::string_view doc) {
    Value out = one(field);
    if (field.container == Container::kList) {
      out = around("array", "items", with_zero(out, field));
      add_list_type(out, field);
    } else if (field.container == Container::kMap) {
      out = around("object", "additionalProperties", with_zero(out, field));
      if (field.list_type == ListType::kAtomic) {
        out.set_ref(arena_, "x-kubernetes-map-type", text("atomic"));
      }
    } else if (!field.is_pointer && (!field.omit_empty || field.form == Form::kObject)) {
      out = with_zero(out, field);
    }
    if (version_ == OpenApi::kV3 && out.find("$ref") != nullptr) out = beside_others(out);
    if (!doc.empty()) out.set_ref(arena_, "description", text(doc));
    add_patch_rules(out, field);
    // Clients of version 2 would take a default for a value that they have to send.
    if (version_ == OpenApi::kV2 || field.default_json.empty()) return out;
    if (const auto value = api::parse_json(arena_, field.default_json)) {
      out.set_ref(arena_, "default", *value);
    }
    return out;
  }

  // What is always written has its zero value as default, in v3.
  Value with_zero(const Value& schema, const FieldInfo& field) {
    if (version_ == OpenApi::kV2 || is_custom_) return schema;
    const std::optional<Value> zero = zero_of(field);
    if (!zero) return schema;
    Value out = schema.find("$ref") == nullptr ? schema : beside_others(schema);
    out.set_ref(arena_, "default", *zero);
    return out;
  }

  // Nothing for forms that write themselves in a way of their own, and for lists.
  static std::optional<Value> zero_of(const FieldInfo& field) {
    switch (field.form) {
      case Form::kObject:
        if (field.type->form == TypeForm::kStruct) return Value::object();
        return std::nullopt;
      case Form::kString:
        return text("");
      case Form::kBool:
        return Value::boolean(false);
      case Form::kInt32:
      case Form::kInt64:
      case Form::kUint32:
      case Form::kUint64:
      case Form::kDouble:
        return Value::integer(0);
      default:
        return std::nullopt;
    }
  }

  // In v3 nothing may stand beside a "$ref".
  Value beside_others(const Value& reference) {
    Value out = Value::object();
    out.set_ref(arena_, "allOf", Value::array()).append(arena_, reference);
    return out;
  }

  Value around(std::string_view type, std::string_view member, const Value& inner) {
    Value out = Value::object();
    out.set_ref(arena_, "type", text(type));
    out.set_ref(arena_, member, inner);
    return out;
  }

  void add_list_type(Value& out, const FieldInfo& field) {
    constexpr std::string_view kNames[] = {"atomic", "set", "map"};
    out.set_ref(arena_, "x-kubernetes-list-type",
                text(kNames[static_cast<std::size_t>(field.list_type)]));
    if (field.list_type != ListType::kMap) return;
    Value& keys = out.set_ref(arena_, "x-kubernetes-list-map-keys", Value::array());
    for (const std::string_view key : field.list_map_keys) keys.append(arena_, text(key));
  }

  void add_patch_rules(Value& out, const FieldInfo& field) {
    const std::string_view strategy = field.patch_merge && field.patch_retain_keys
                                          ? "merge,retainKeys"
                                      : field.patch_merge       ? "merge"
                                      : field.patch_retain_keys ? "retainKeys"
                                      : field.patch_replace     ? "replace"
                                                                : "";
    if (!strategy.empty()) out.set_ref(arena_, "x-kubernetes-patch-strategy", text(strategy));
    if (!field.patch_merge_key.empty()) {
      out.set_ref(arena_, "x-kubernetes-patch-merge-key", text(field.patch_merge_key));
    }
  }

  // One value of the field's form, without its container.
  Value one(const FieldInfo& field) {
    if (const NamedForm* named = named_form(field)) return reference(named->name);
    if (field.form == Form::kObject) {
      if (is_definition(*field.type)) return reference(definition_name(*field.type));
      const FieldInfo& entries = field.type->fields[0];
      return around("array", "items", with_zero(one(entries), entries));
    }
    Value out = Value::object();
    const auto [type, format] = primitive(field.form);
    if (!type.empty()) out.set_ref(arena_, "type", text(type));
    if (!format.empty()) out.set_ref(arena_, "format", text(format));
    if (!field.enum_values.empty()) {
      std::vector<std::string_view> sorted(field.enum_values.begin(), field.enum_values.end());
      std::ranges::sort(sorted);
      Value& values = out.set_ref(arena_, "enum", Value::array());
      for (const std::string_view value : sorted) values.append(arena_, text(value));
    }
    return out;
  }

  static std::pair<std::string_view, std::string_view> primitive(Form form) {
    switch (form) {
      case Form::kString:
        return {"string", ""};
      case Form::kBytes:
        return {"string", "byte"};
      case Form::kBool:
        return {"boolean", ""};
      case Form::kInt32:
        return {"integer", "int32"};
      case Form::kUint32:
      case Form::kUint64:
      case Form::kInt64:
        return {"integer", "int64"};
      case Form::kDouble:
        return {"number", "double"};
      default:
        return {"", ""};
    }
  }

  Arena& arena_;
  OpenApi version_;
  bool is_custom_;
};

// Kinds that every group and version has as its own.
bool is_in_every_version(const TypeInfo& type) {
  return type.group == "meta.k8s.io" && (type.name == "DeleteOptions" || type.name == "WatchEvent");
}

Value kinds_of(Arena& arena, const TypeInfo& type) {
  const api::Schema& schema = api::builtin_schema();
  Value kinds = Value::array();
  if (!is_in_every_version(type)) {
    const std::string_view group = type.group == "meta.k8s.io" ? "" : type.group;
    kinds.append(arena, group_version_kind(arena, group, type.version, type.name));
    return kinds;
  }
  for (const std::string_view group : schema.groups()) {
    for (const std::string_view version : schema.versions(group)) {
      kinds.append(arena, group_version_kind(arena, group, version, type.name));
    }
  }
  return kinds;
}

}  // namespace

std::string definition_name(const TypeInfo& type) {
  constexpr std::string_view kOwn = "k8s.io.";
  std::string name;
  if (type.proto_package.starts_with(kOwn)) {
    // "k8s.io.kube_aggregator.pkg..." → "io.k8s.kube-aggregator.pkg..."
    const std::string_view rest = type.proto_package.substr(kOwn.size());
    name = "io.k8s." + std::string(rest);
    std::replace(name.begin(),
                 name.begin() + 7 + static_cast<long>(std::min(rest.find('.'), rest.size())), '_',
                 '-');
  } else {
    // "stable.example.com" → "com.example.stable"
    const auto parts = split(type.group, '.');
    for (std::size_t i = parts.size(); i-- > 0;) (name += parts[i]) += i == 0 ? "" : ".";
    (name += '.') += type.version;
  }
  return (name += '.') += type.name;
}

Value group_version_kind(Arena& arena, std::string_view group, std::string_view version,
                         std::string_view kind) {
  Value out = Value::object();
  out.set_ref(arena, "group", text(group));
  out.set_ref(arena, "kind", text(kind));
  out.set_ref(arena, "version", text(version));
  return out;
}

Definitions::Definitions(const Catalog& catalog, OpenApi version) : version_(version) {
  for (const CustomKindRef& kind : catalog.custom_kinds()) {
    for (const auto& each : kind->versions()) {
      custom_.emplace(&each->type, each.get());
      custom_lists_.emplace(&each->list_type, each.get());
    }
  }
}

void Definitions::require(const TypeInfo& type) {
  std::vector<const TypeInfo*> waiting;
  const auto add = [&](const TypeInfo& next) {
    const bool is_new = !is_definition(next) ||
                        all_.emplace(definition_name(next), Definition{&next, nullptr}).second;
    if (is_new && next.form != TypeForm::kOneOf) waiting.push_back(&next);
  };
  add(type);
  while (!waiting.empty()) {
    const TypeInfo& at = *waiting.back();
    waiting.pop_back();
    // What a custom kind has besides is described in its own schema.
    const auto fields = custom_.contains(&at) ? at.fields.first(1) : at.fields;
    for (const FieldInfo& field : fields) {
      if (const NamedForm* named = named_form(field)) {
        all_.emplace(named->name, Definition{nullptr, named});
      } else if (field.is_inline) {
        waiting.push_back(field.type);
      } else if (field.form == Form::kObject) {
        add(*field.type);
      }
    }
  }
}

Value Definitions::reference(Arena& arena, const TypeInfo& type) const {
  return SchemaMaker(arena, version_).reference(definition_name(type));
}

Value Definitions::schema_of(Arena& arena, const Definition& definition) const {
  if (definition.type == nullptr) return SchemaMaker(arena, version_).named(*definition.form);
  const auto custom = custom_.find(definition.type);
  const auto list = custom_lists_.find(definition.type);
  SchemaMaker maker(arena, version_, custom != custom_.end() || list != custom_lists_.end());
  Value out = custom == custom_.end()
                  ? maker.definition(*definition.type)
                  : custom_definition(arena, *custom->second, version_,
                                      maker.member(*definition.type, definition.type->fields[0]));
  if (definition.type->is_kind || is_in_every_version(*definition.type)) {
    out.set_ref(arena, "x-kubernetes-group-version-kind", kinds_of(arena, *definition.type));
  }
  if (custom != custom_.end()) add_selectable_fields(arena, out, *custom->second);
  if (list != custom_lists_.end()) add_selectable_fields(arena, out, *list->second);
  return out;
}

}  // namespace pinnace::apiserver
