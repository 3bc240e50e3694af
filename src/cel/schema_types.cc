#include "cel/schema_types.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

namespace pinnace::cel {
namespace {

constexpr std::uint64_t kMaxRequestBytes = std::uint64_t{3} * 1024 * 1024;
constexpr std::uint64_t kDurationBytes = 32, kDateBytes = 12, kDateTimeBytes = 32;
constexpr std::uint64_t kMinDateTimeBytes = 21, kMinDurationBytes = 3;
constexpr std::uint64_t kQuotes = 2;

std::uint64_t count_at(const api::Value& schema, std::string_view key, std::uint64_t fallback) {
  const api::Value* limit = schema.find(key);
  if (limit == nullptr || !limit->is_number()) return fallback;
  return static_cast<std::uint64_t>(std::clamp(limit->as_double(), 0.0, 0x1p62));
}

class SchemaReader {
 public:
  explicit SchemaReader(TypePool& types) : types_(types) {}

  const Type* read(const api::Value& schema, const std::string& name, bool is_root) {
    if (!schema.is_object()) return nullptr;
    if (schema.bool_at("x-kubernetes-int-or-string")) {
      return types_.bounded(kDynType, text_characters(schema), 1);
    }
    const std::string_view type = schema.string_at("type");
    if (type == "array") return list(schema, name);
    if (type == "object") return object(schema, name, is_root);
    if (type == "string") return text(schema);
    if (type == "boolean") return simple(kBoolType);
    if (type == "number") return simple(kDoubleType);
    if (type == "integer") return simple(kIntType);
    return nullptr;
  }

 private:
  // Kubernetes gives no size to what has no length.
  const Type* simple(const Type& type) { return types_.bounded(type, 0, type.min_json_bytes); }

  // A character may take four bytes, and sizes are counted in bytes.
  static std::uint64_t text_characters(const api::Value& schema) {
    const std::uint64_t most = count_at(schema, "maxLength", kUnbounded);
    return most == kUnbounded ? kMaxRequestBytes - kQuotes : most * 4;
  }

  const Type* text(const api::Value& schema) {
    const std::string_view format = schema.string_at("format");
    if (format == "byte") {
      return types_.bounded(kBytesType, count_at(schema, "maxLength", kMaxRequestBytes - kQuotes),
                            kQuotes);
    }
    if (format == "duration") {
      return types_.bounded(kDurationType, kDurationBytes, kMinDurationBytes);
    }
    if (format == "date") return types_.bounded(kTimestampType, kDateBytes, kDateBytes);
    if (format == "date-time") {
      return types_.bounded(kTimestampType, kDateTimeBytes, kMinDateTimeBytes);
    }
    std::uint64_t most = text_characters(schema);
    const api::Value* values = schema.find("enum");
    if (schema.find("maxLength") == nullptr && values != nullptr && !values->empty()) {
      most = 0;
      for (const api::Value& value : values->items()) {
        if (value.is_string()) most = std::max<std::uint64_t>(most, value.as_string().size());
      }
    }
    return types_.bounded(kStringType, most, kQuotes);
  }

  const Type* child(const api::Value& schema, const std::string& name) {
    return read(schema, name, schema.bool_at("x-kubernetes-embedded-resource"));
  }

  const Type* list(const api::Value& schema, const std::string& name) {
    const api::Value* items = schema.find("items");
    const Type* item = items == nullptr ? nullptr : child(*items, name + ".@idx");
    if (item == nullptr) return nullptr;
    const std::uint64_t fits = (kMaxRequestBytes - kQuotes) / (item->min_json_bytes + 1);
    const std::uint64_t most = count_at(schema, "maxItems", fits);
    const std::string_view kind = schema.string_at("x-kubernetes-list-type");
    if (kind == "set") return types_.list(item, most, ListKind::kSet, {});
    if (kind != "map") return types_.list(item, most);
    std::vector<std::string_view> keys;
    const api::Value* names = schema.find("x-kubernetes-list-map-keys");
    if (names != nullptr && names->is_array()) {
      for (const api::Value& name_of_key : names->items()) {
        if (name_of_key.is_string()) keys.push_back(name_of_key.as_string());
      }
    }
    return types_.list(item, most, ListKind::kMap, keys);
  }

  const Type* object(const api::Value& schema, const std::string& name, bool is_root) {
    const api::Value* additional = schema.find("additionalProperties");
    if (additional != nullptr && additional->is_object()) {
      const Type* value = child(*additional, name + ".@elem");
      if (value == nullptr) return nullptr;
      const std::uint64_t fits = (kMaxRequestBytes - kQuotes) / (value->min_json_bytes + 6);
      return types_.map(simple(kStringType), value, count_at(schema, "maxProperties", fits));
    }
    Type* type = types_.object(name);
    type->max_elements = 0;
    std::vector<Field> fields;
    const api::Value* properties = schema.find("properties");
    if (properties != nullptr && properties->is_object()) {
      for (const api::Member& property : properties->members()) {
        add_property(schema, property, name, type, fields);
      }
    }
    if (is_root) add_metadata(name, fields);
    types_.define(type, std::move(fields));
    return type;
  }

  void add_property(const api::Value& schema, const api::Member& property, const std::string& name,
                    Type* type, std::vector<Field>& fields) {
    const Type* field = child(property.value, name + "." + std::string(property.key));
    if (field == nullptr) return;
    const std::string escaped = escape_field(property.key);
    if (!escaped.empty()) fields.push_back({types_.copy(escaped), property.key, field});
    const api::Value* required = schema.find("required");
    if (required == nullptr || !required->is_array() || property.value.find("default") != nullptr) {
      return;
    }
    const bool is_required = std::ranges::any_of(required->items(), [&](const api::Value& each) {
      return each.is_string() && each.as_string() == property.key;
    });
    if (is_required) type->min_json_bytes += property.key.size() + field->min_json_bytes + 4;
  }

  static bool has(const std::vector<Field>& fields, std::string_view name) {
    return std::ranges::find(fields, name, &Field::name) != fields.end();
  }

  void add_metadata(const std::string& name, std::vector<Field>& fields) {
    const Type* text = types_.bounded(kStringType, kMaxRequestBytes - kQuotes, kQuotes);
    for (const char* field : {"apiVersion", "kind"}) {
      if (!has(fields, field)) fields.push_back({field, field, text});
    }
    const auto known = std::ranges::find(fields, std::string_view("metadata"), &Field::name);
    if (known != fields.end() && known->type->kind == TypeKind::kObject &&
        known->type->field("name") != nullptr && known->type->field("generateName") != nullptr) {
      return;
    }
    Type* metadata = types_.object(name + ".metadata");
    metadata->max_elements = 0;
    types_.define(metadata, {{"name", "name", text}, {"generateName", "generateName", text}});
    if (known != fields.end()) {
      known->type = metadata;
    } else {
      fields.push_back({"metadata", "metadata", metadata});
    }
  }

  TypePool& types_;
};

class KindReader {
 public:
  explicit KindReader(TypePool& types) : types_(types) {}

  const Type* object(const api::TypeInfo& info) {
    if (const auto known = known_.find(&info); known != known_.end()) return known->second;
    Type* type = types_.object(std::string(info.proto_package) + "." + std::string(info.name));
    known_.emplace(&info, type);
    std::vector<Field> fields;
    if (info.is_kind) {
      fields.push_back({"apiVersion", "apiVersion", &kStringType});
      fields.push_back({"kind", "kind", &kStringType});
    }
    add_fields(info, fields);
    types_.define(type, std::move(fields));
    return type;
  }

 private:
  void add_fields(const api::TypeInfo& info, std::vector<Field>& fields) {
    for (const api::FieldInfo& field : info.fields) {
      if (field.is_inline && field.type != nullptr) {
        add_fields(*field.type, fields);
        continue;
      }
      const std::string escaped = escape_field(field.name);
      if (!escaped.empty()) fields.push_back({types_.copy(escaped), field.name, contained(field)});
    }
  }

  const Type* contained(const api::FieldInfo& field) {
    switch (field.container) {
      case api::Container::kOne:
        return one(field);
      case api::Container::kList:
        return list(field);
      case api::Container::kMap:
        return types_.map(&kStringType, one(field));
    }
    return &kDynType;
  }

  const Type* list(const api::FieldInfo& field) {
    switch (field.list_type) {
      case api::ListType::kAtomic:
        break;
      case api::ListType::kSet:
        return types_.list(one(field), kUnbounded, ListKind::kSet, {});
      case api::ListType::kMap:
        return types_.list(one(field), kUnbounded, ListKind::kMap,
                           {field.list_map_keys.begin(), field.list_map_keys.end()});
    }
    return types_.list(one(field));
  }

  const Type* one(const api::FieldInfo& field) {
    switch (field.form) {
      case api::Form::kString:
      case api::Form::kDuration:
      case api::Form::kQuantity:
        return &kStringType;
      case api::Form::kBool:
        return &kBoolType;
      case api::Form::kInt32:
      case api::Form::kInt64:
      case api::Form::kUint32:
      case api::Form::kUint64:
        return &kIntType;
      case api::Form::kDouble:
        return &kDoubleType;
      case api::Form::kBytes:
        return &kBytesType;
      case api::Form::kTime:
      case api::Form::kMicroTime:
        return &kTimestampType;
      case api::Form::kIntOrString:
      case api::Form::kRawObject:
      case api::Form::kAnyJson:
        return &kDynType;
      case api::Form::kObject:
        return of_type(*field.type);
    }
    return &kDynType;
  }

  const Type* of_type(const api::TypeInfo& info) {
    switch (info.form) {
      case api::TypeForm::kStruct:
        return object(info);
      case api::TypeForm::kWrapperList:
        return contained(info.fields[0]);
      case api::TypeForm::kOneOf:
        break;
    }
    return &kDynType;
  }

  TypePool& types_;
  std::unordered_map<const api::TypeInfo*, const Type*> known_;
};

}  // namespace

const Type* schema_type(TypePool& types, const api::Value& schema, std::string_view name,
                        bool is_resource_root) {
  return SchemaReader(types).read(schema, std::string(name), is_resource_root);
}

const Type* custom_kind_type(TypePool& types, const api::Value& schema, std::string_view kind) {
  const Type* plain = schema_type(types, schema, kind);
  if (plain == nullptr || plain->kind != TypeKind::kObject) return plain;
  const api::TypeInfo& any_kind = *api::builtin_schema().find_type("", "v1", "ConfigMap");
  std::vector<Field> fields;
  for (const Field& field : kind_type(types, any_kind)->fields) {
    const bool is_common =
        field.name == "apiVersion" || field.name == "kind" || field.name == "metadata";
    if (is_common) fields.push_back(field);
  }
  for (const Field& field : plain->fields) {
    if (std::ranges::find(fields, field.name, &Field::name) == fields.end()) {
      fields.push_back(field);
    }
  }
  Type* type = types.object(kind);
  types.define(type, std::move(fields));
  return type;
}

const Type* kind_type(TypePool& types, const api::TypeInfo& kind) {
  return KindReader(types).object(kind);
}

}  // namespace pinnace::cel
