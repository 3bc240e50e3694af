// For tests: the versions of a built-in kind.
#pragma once

#include <string>

#include "api/apply/ownership.h"
#include "api/conversion.h"
#include "api/defaults.h"
#include "api/object_codec.h"

namespace pinnace::api::apply::testing {

class BuiltinVersions : public Versions {
 public:
  BuiltinVersions(std::string_view group, std::string_view resource, FieldSet reset = {})
      : group_(group), resource_(resource), reset_(reset) {}

  const ResourceInfo* find(std::string_view api_version) const {
    const auto slash = api_version.find('/');
    const bool has_group = slash != std::string_view::npos;
    const std::string_view group = has_group ? api_version.substr(0, slash) : "";
    if (group != group_) return nullptr;
    return builtin_schema().find_resource(
        group, has_group ? api_version.substr(slash + 1) : api_version, resource_);
  }

  Shape shape(std::string_view api_version) const override {
    const ResourceInfo* info = find(api_version);
    return info == nullptr ? Shape() : Shape::of(*info->type);
  }
  Result<Value> convert(Arena& arena, const Value& object, std::string_view from,
                        std::string_view to) const override {
    if (from == to) return object;
    Value converted = deep_copy(arena, object);
    if (auto ok = normalise(arena, converted, *find(from)->type); !ok) {
      return std::unexpected(ok.error());
    }
    if (auto ok = convert_version(arena, converted, *find(from), *find(to)); !ok) {
      return std::unexpected(ok.error());
    }
    return converted;
  }
  Value empty_object(Arena& arena, std::string_view api_version) const override {
    Value object = Value::object();
    (void)normalise(arena, object, *find(api_version)->type);
    return object;
  }
  FieldSet changeable(Arena& arena, const FieldSet& fields) const override {
    return subtract_below(arena, fields, reset_);
  }
  bool may_have_changed() const override { return false; }

 private:
  std::string group_, resource_;
  FieldSet reset_;
};

}  // namespace pinnace::api::apply::testing
