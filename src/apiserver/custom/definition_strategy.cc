#include "apiserver/custom/definition_strategy.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "apiserver/backend.h"
#include "apiserver/custom/definition_status.h"
#include "apiserver/custom/validate_definition.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

// The (first) version in which objects are kept belongs to those in which some may be.
void add_stored_version(api::Arena& arena, Value& object) {
  const Value* versions = object.find_path({"spec", "versions"});
  if (versions == nullptr || !versions->is_array()) return;
  for (const Value& version : versions->items()) {
    if (!version.bool_at("storage")) continue;
    Value& status = object.ensure_object(arena, "status");
    Value* stored = status.find("storedVersions");
    if (stored == nullptr || !stored->is_array()) {
      stored = &status.set_ref(arena, "storedVersions", Value::array());
    }
    const std::string_view name = version.string_at("name");
    bool is_there = false;
    for (const Value& item : stored->items()) {
      is_there = is_there || (item.is_string() && item.as_string() == name);
    }
    if (!is_there) stored->append(arena, Value::string(arena, name));
    return;
  }
}

Result<void> prepare_create(Change& change, Value& object) {
  Value& status = object.set_ref(change.arena, "status", Value::object());
  status.set_ref(change.arena, "conditions", Value());
  Value& names = status.set_ref(change.arena, "acceptedNames", Value::object());
  names.set_ref(change.arena, "plural", Value::string_ref(""));
  names.set_ref(change.arena, "kind", Value::string_ref(""));
  add_stored_version(change.arena, object);
  return {};
}

Result<void> prepare_update(Change& change, Value& object, const Value&) {
  if (change.subresource != "status") add_stored_version(change.arena, object);
  return {};
}

// v1beta1 asked less of a definition.
DefinitionDemands demands_of(const Change& change) {
  return {.is_old = change.call.resource->version == "v1beta1"};
}

// Its objects go first.
void prepare_delete(Backend& backend, api::Arena& arena, Value& object) {
  if (is_being_deleted(object)) return;
  set_condition(arena, object,
                {"Terminating", "True", "InstanceDeletionPending",
                 "CustomResourceDefinition marked for deletion; CustomResource deletion will begin "
                 "soon"},
                backend.now());
  if (has_finalizer(object, kCleanupFinalizer)) return;
  Value& meta = meta_of(arena, object);
  Value* finalizers = meta.find("finalizers");
  if (finalizers == nullptr || !finalizers->is_array()) {
    finalizers = &meta.set_ref(arena, "finalizers", Value::array());
  }
  finalizers->append(arena, Value::string_ref(kCleanupFinalizer));
}

void validate_update(Change& change, const Value& object, const Value& old) {
  validate_definition_update(change.causes, object, old, demands_of(change));
}

void validate(Change& change, const Value& object) {
  if (change.old == nullptr) validate_definition(change.causes, object, demands_of(change));
}

void validate_status(Change& change, const Value& object, const Value&) {
  validate_definition_status(change.causes, object);
}

// Formats that nobody checks may be misspelt. What was there before is known.
void warn(Change& change, const Value& object, const Value* old) {
  std::set<std::string> before;
  if (old != nullptr) {
    for (std::string& format : unknown_formats_of(*old)) before.insert(std::move(format));
  }
  for (const std::string& format : unknown_formats_of(object)) {
    if (before.contains(format)) continue;
    change.warn("unrecognized format " + quoted(format));
  }
}

}  // namespace

constinit const Strategy kDefinitionStrategy{
    .storage_resource = "apiextensions.k8s.io/customresourcedefinitions",
    .has_generation = true,
    .must_name_revision = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .validate_update = validate_update,
    .validate_status = validate_status,
    .warn = warn,
    .prepare_delete = prepare_delete,
};

}  // namespace pinnace::apiserver
