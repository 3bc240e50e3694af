// CustomResourceDefinitions: v1beta1 could say once, for all versions, what v1 says for each.
#include "api/conversion_rules.h"

namespace pinnace::api {
namespace {

struct PerVersion {
  std::string_view spec_name, version_name;
};
constexpr PerVersion kPerVersion[] = {
    {"validation", "schema"},
    {"subresources", "subresources"},
    {"additionalPrinterColumns", "additionalPrinterColumns"},
    {"selectableFields", "selectableFields"},
};

std::span<Value> versions_of(Value& spec) {
  Value* versions = spec.find("versions");
  return versions != nullptr && versions->is_array() ? versions->items() : std::span<Value>{};
}

bool is_same_in_all(std::span<const Value> versions, std::string_view name) {
  const Value* first = versions[0].find(name);
  if (first == nullptr) return false;
  for (const Value& version : versions.subspan(1)) {
    const Value* other = version.find(name);
    if (other == nullptr || !equal(*first, *other)) return false;
  }
  return true;
}

}  // namespace

Result<void> crd_to_stored(Arena& arena, Value& object) {
  Value* spec = object.find("spec");
  if (spec == nullptr || !spec->is_object()) return {};
  const std::string_view only_version = spec->string_at("version");
  if (versions_of(*spec).empty() && !only_version.empty()) {
    Value version = Value::object();
    version.add_ref(arena, "name", Value::string_ref(only_version));
    version.add_ref(arena, "served", Value::boolean(true));
    version.add_ref(arena, "storage", Value::boolean(true));
    Value list = Value::array();
    list.append(arena, version);
    spec->set_ref(arena, "versions", list);
  }
  for (const PerVersion& field : kPerVersion) {
    const Value* shared = spec->find(field.spec_name);
    if (shared == nullptr || shared->is_null()) continue;
    for (Value& version : versions_of(*spec)) {
      version.set_ref(arena, field.version_name, deep_copy(arena, *shared));
    }
  }
  return {};
}

Result<void> crd_from_stored(Arena& arena, Value& object) {
  Value* spec = object.find("spec");
  if (spec == nullptr || !spec->is_object()) return {};
  if (spec->find("preserveUnknownFields") == nullptr) {
    spec->set_ref(arena, "preserveUnknownFields", Value::boolean(false));
  }
  const std::span<Value> versions = versions_of(*spec);
  if (versions.empty()) return {};
  spec->set_ref(arena, "version", Value::string_ref(versions[0].string_at("name")));
  for (const PerVersion& field : kPerVersion) {
    if (!is_same_in_all(versions, field.version_name)) continue;
    spec->set_ref(arena, field.spec_name, *versions[0].find(field.version_name));
    for (Value& version : versions) version.erase(field.version_name);
  }
  return {};
}

}  // namespace pinnace::api
