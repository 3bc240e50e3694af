// Makes the TypeInfo of a custom kind from its structural schema, so that what works on types
// (server-side apply, answers, lists) works on custom objects.
//
// Shape: objects with properties become types, lists and maps containers; where the schema keeps
//   what it does not name, any JSON.
// Lifetime: types refer to the schema's names and to the TypeMaker, which both must outlive them.
// Bounds: as many types as the schema has nodes; its depth bounds the recursion.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "api/structural/schema.h"

namespace pinnace::apiserver {

class TypeMaker {
 public:
  TypeMaker(std::string_view group, std::string_view version) : group_(group), version_(version) {}

  // `schema` may be null: then all but the metadata is any JSON.
  void make_kind(api::TypeInfo& kind, std::string_view name, const api::structural::Node* schema);
  void make_list(api::TypeInfo& list, std::string_view name, const api::TypeInfo& kind);

 private:
  struct Shape {
    api::Form form = api::Form::kAnyJson;
    api::Container container = api::Container::kOne;
    const api::TypeInfo* type = nullptr;
  };
  api::FieldInfo field(std::string_view name, const api::structural::Node& node);
  Shape one(const api::structural::Node& node);
  // Those of a resource's properties that are its own.
  void add_properties(std::vector<api::FieldInfo>& fields, const api::structural::Node& node,
                      bool is_resource);
  const api::TypeInfo* object_type(const api::structural::Node& node);
  const api::TypeInfo* wrapper(const api::structural::Node& node);

  std::string_view group_, version_;
  std::deque<api::TypeInfo> types_;
  std::deque<std::vector<api::FieldInfo>> fields_;
  std::deque<std::string> texts_;
};

}  // namespace pinnace::apiserver
