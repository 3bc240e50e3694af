#include "apiserver/custom/custom_objects.h"

#include "api/json.h"
#include "api/object_codec.h"
#include "api/structural/shaping.h"
#include "api/structural/validate.h"
#include "apiserver/custom/custom_rules.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

using api::Value;
using api::structural::Node;

const api::TypeInfo& meta_type() {
  static const api::TypeInfo& kType =
      *api::builtin_schema().find_type("meta.k8s.io", "v1", "ObjectMeta");
  return kType;
}

Result<void> take_metadata(api::Arena& arena, Value& object, const std::string& path,
                           std::vector<std::string>& unknown) {
  Value* metadata = object.find("metadata");
  if (metadata == nullptr) return {};
  if (metadata->is_null()) {
    *metadata = Value::object();
    return {};
  }
  std::vector<std::string> dropped;
  if (auto ok = api::normalise(arena, *metadata, meta_type(), &dropped); !ok) return ok;
  for (const std::string& field : dropped) unknown.push_back(path + "metadata." + field);
  return {};
}

// Embedded resources below `value`, depth first.
Result<void> take_embedded(api::Arena& arena, Value& value, const Node& node,
                           const std::string& path, std::vector<std::string>& unknown) {
  if (!node.has_resources) return {};
  if (value.is_array() && node.items != nullptr) {
    std::size_t index = 0;
    for (Value& item : value.items()) {
      auto ok = take_embedded(arena, item, *node.items, path + "[" + std::to_string(index++) + "]",
                              unknown);
      if (!ok) return ok;
    }
  }
  if (!value.is_object()) return {};
  for (api::Member& member : value.members()) {
    const Node* below = node.property(member.key);
    if (below == nullptr) below = node.additional;
    if (below == nullptr) continue;
    const std::string at = (path.empty() ? "" : path + ".") + std::string(member.key);
    if (auto ok = take_embedded(arena, member.value, *below, at, unknown); !ok) return ok;
  }
  if (!node.embedded_resource) return {};
  return take_metadata(arena, value, path.empty() ? "" : path + ".", unknown);
}

const CustomVersion& version_of(const Change& change) { return *change.storage.custom; }

// Kubernetes' words for a number of replicas out of range.
void validate_scale(std::vector<Cause>& causes, const Value& object, const CustomVersion& version) {
  if (!version.has_scale) return;
  const auto check = [&](const std::vector<std::string>& path) {
    const Value* at = &object;
    std::string field;
    for (const std::string& name : path) {
      field += (field.empty() ? "" : ".") + name;
      at = at->find(name);
      if (at == nullptr) return;
    }
    if (!at->is_int()) {
      causes.push_back(cause::invalid(field, api::to_json_text(*at), "must be an integer"));
    } else if (at->as_int() < 0) {
      causes.push_back(
          cause::invalid(field, std::to_string(at->as_int()), "should be a non-negative integer"));
    } else if (at->as_int() > INT32_MAX) {
      causes.push_back(cause::invalid(field, std::to_string(at->as_int()),
                                      "should be less than or equal to 2147483647"));
    }
  };
  check(version.scale.spec_replicas);
  check(version.scale.status_replicas);
}

void validate_all(Change& change, const Value& object, const Value* old) {
  const CustomVersion& version = version_of(change);
  if (version.schema == nullptr || !version.prunes) {
    if (version.schema != nullptr) {
      api::structural::validate(change.causes, object, version.schema->root(), old);
    }
    return validate_scale(change.causes, object, version);
  }
  const Node& root = version.schema->root();
  api::structural::validate(change.causes, object, root, old);
  validate_scale(change.causes, object, version);
  api::structural::validate_embedded(change.causes, object, root);
  std::vector<Cause> repeated, before;
  api::structural::validate_lists(repeated, object, root);
  // A list that had an item twice may go on so.
  if (!repeated.empty() && old != nullptr) {
    api::structural::validate_lists(before, *old, root);
  }
  if (before.empty()) {
    change.causes.insert(change.causes.end(), repeated.begin(), repeated.end());
  }
  if (version.rules == nullptr) return;
  if (api::structural::blocks_rules(change.causes)) {
    change.causes.push_back(cause::invalid(
        "<nil>", "null",
        "some validation rules were not checked because the object was invalid; correct the "
        "existing errors to complete validation"));
    return;
  }
  version.rules->validate(change.causes, object, old);
}

void validate(Change& change, const Value& object) {
  if (change.old == nullptr) validate_all(change, object, nullptr);
}

void validate_update(Change& change, const Value& object, const Value& old) {
  validate_all(change, object, &old);
}

Result<void> prepare_create(Change& change, Value&) {
  if (!version_of(change).kind->is_terminating()) return {};
  Error error = errors::method_not_supported(resource_text(change.storage), "create").error();
  error.message = "create not allowed while custom resource definition is terminating";
  return std::unexpected(std::move(error));
}

}  // namespace

Result<void> take_custom_object(api::Arena& arena, Value& object, const CustomVersion& version,
                                std::vector<std::string>& unknown) {
  if (auto ok = take_metadata(arena, object, "", unknown); !ok) return ok;
  if (version.schema == nullptr) return {};
  const Node& root = version.schema->root();
  if (auto ok = take_embedded(arena, object, root, "", unknown); !ok) return ok;
  if (version.prunes) api::structural::prune(object, root, &unknown);
  return {};
}

void default_custom_object(api::Arena& arena, Value& object, const CustomVersion& version) {
  if (version.schema == nullptr || !version.prunes) return;
  // The metadata is the server's own, whatever the schema says of it.
  const Value* metadata = object.find("metadata");
  const Value kept = metadata == nullptr ? Value() : *metadata;
  api::structural::apply_defaults(arena, object, version.schema->root());
  if (metadata != nullptr) object.set_ref(arena, "metadata", kept);
}

void show_custom_object(api::Arena& arena, Value& object, const CustomVersion& version) {
  const auto& resource = version.resource;
  object.set_ref(arena, "apiVersion",
                 Value::string(arena, group_version(resource.group, resource.version)));
  if (version.schema == nullptr || !version.prunes) return;
  api::structural::prune(object, version.schema->root());
  default_custom_object(arena, object, version);
}

constinit const Strategy kCustomStrategy{
    .storage_resource = "",
    .has_generation = true,
    .must_name_revision = true,
    .prepare_create = prepare_create,
    .validate = validate,
    .validate_update = validate_update,
    .validate_status = validate_update,
};

}  // namespace pinnace::apiserver
