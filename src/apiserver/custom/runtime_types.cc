#include "apiserver/custom/runtime_types.h"

#include "api/json.h"

namespace pinnace::apiserver {
namespace {

using api::Container;
using api::FieldInfo;
using api::Form;
using api::ListType;
using api::TypeInfo;
using api::structural::ListKind;
using api::structural::Node;
using api::structural::Type;

const TypeInfo& meta_type(std::string_view name) {
  return *api::builtin_schema().find_type("meta.k8s.io", "v1", name);
}

FieldInfo plain_field(std::string_view name, Form form, const TypeInfo* type) {
  FieldInfo made{};
  made.name = name;
  made.form = form;
  made.container = Container::kOne;
  made.type = type;
  made.omit_empty = true;
  made.list_type = ListType::kMap;
  return made;
}

FieldInfo object_meta() {
  return plain_field("metadata", Form::kObject, &meta_type("ObjectMeta"));
}

// Whatever else stands in the object is kept too: a field without a name tells server-side apply.
FieldInfo others() { return plain_field("", Form::kAnyJson, nullptr); }

ListType list_type_of(const Node& node) {
  // What can be anything is managed in parts where it is an object.
  if (node.type != Type::kArray) return node.atomic_map ? ListType::kAtomic : ListType::kMap;
  return node.list_kind == ListKind::kSet   ? ListType::kSet
         : node.list_kind == ListKind::kMap ? ListType::kMap
                                            : ListType::kAtomic;
}

}  // namespace

void TypeMaker::make_kind(TypeInfo& kind, std::string_view name, const Node* schema) {
  kind.group = group_;
  kind.version = version_;
  kind.name = name;
  kind.is_kind = true;
  auto& fields = fields_.emplace_back();
  fields.push_back(object_meta());
  if (schema != nullptr) add_properties(fields, *schema, true);
  if (schema == nullptr || schema->preserve_unknown_fields) fields.push_back(others());
  kind.fields = fields;
}

void TypeMaker::make_list(TypeInfo& list, std::string_view name, const TypeInfo& kind) {
  list.group = group_;
  list.version = version_;
  list.name = name;
  list.is_kind = true;
  auto& fields = fields_.emplace_back();
  fields.push_back(plain_field("metadata", Form::kObject, &meta_type("ListMeta")));
  FieldInfo items = plain_field("items", Form::kObject, &kind);
  items.container = Container::kList;
  items.required = true;
  items.list_type = ListType::kAtomic;
  fields.push_back(items);
  list.fields = fields;
}

FieldInfo TypeMaker::field(std::string_view name, const Node& node) {
  FieldInfo made = plain_field(name, Form::kAnyJson, nullptr);
  made.is_pointer = true;
  made.list_type = list_type_of(node);
  made.list_map_keys = node.list_map_keys;
  if (node.default_value != nullptr) {
    made.default_json = texts_.emplace_back(api::to_json_text(*node.default_value));
  }
  const bool is_list = node.type == Type::kArray && node.items != nullptr;
  const bool is_map = node.type == Type::kObject && node.additional != nullptr &&
                      node.properties.empty() && !node.preserve_unknown_fields;
  const Shape shape = is_list ? one(*node.items) : is_map ? one(*node.additional) : one(node);
  made.form = shape.form;
  made.type = shape.type;
  made.container = is_list ? Container::kList : is_map ? Container::kMap : Container::kOne;
  return made;
}

// One value, without a container of its own.
TypeMaker::Shape TypeMaker::one(const Node& node) {
  if (node.int_or_string) return {Form::kIntOrString};
  switch (node.type) {
    case Type::kString:
      return {Form::kString};
    case Type::kInteger:
      return {Form::kInt64};
    case Type::kNumber:
      return {Form::kDouble};
    case Type::kBoolean:
      return {Form::kBool};
    case Type::kArray:
      return node.items == nullptr ? Shape{} : Shape{Form::kObject, Container::kOne, wrapper(node)};
    case Type::kObject:
      if (node.embedded_resource || !node.properties.empty())
        return {Form::kObject, Container::kOne, object_type(node)};
      if (node.preserve_unknown_fields) return {};
      if (node.additional != nullptr) return {Form::kObject, Container::kOne, wrapper(node)};
      return {};
    case Type::kAny:
      break;
  }
  return {};
}

void TypeMaker::add_properties(std::vector<FieldInfo>& fields, const Node& node, bool is_resource) {
  for (const auto& property : node.properties) {
    const bool is_given = is_resource && (property.name == "metadata" || property.name == "kind" ||
                                          property.name == "apiVersion");
    if (!is_given) fields.push_back(field(property.name, *property.node));
  }
}

const TypeInfo* TypeMaker::object_type(const Node& node) {
  TypeInfo& made = types_.emplace_back();
  made.group = group_;
  made.version = version_;
  made.atomic = node.atomic_map;
  auto& fields = fields_.emplace_back();
  // A resource has what every resource has, whatever the schema says of it.
  if (node.embedded_resource) {
    for (const std::string_view name : {"apiVersion", "kind"}) {
      fields.push_back(plain_field(name, Form::kString, nullptr));
    }
    fields.push_back(object_meta());
  }
  add_properties(fields, node, node.embedded_resource);
  if (node.preserve_unknown_fields) fields.push_back(others());
  made.fields = fields;
  return &made;
}

// A list or map that stands where one value is expected.
const TypeInfo* TypeMaker::wrapper(const Node& node) {
  TypeInfo& made = types_.emplace_back();
  made.group = group_;
  made.version = version_;
  made.form = api::TypeForm::kWrapperList;
  auto& fields = fields_.emplace_back();
  fields.push_back(field("", node));
  made.fields = fields;
  return &made;
}

}  // namespace pinnace::apiserver
