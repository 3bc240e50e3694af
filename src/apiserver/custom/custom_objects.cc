#include "apiserver/custom/custom_objects.h"

#include <set>

#include "api/go_text.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "api/structural/shaping.h"
#include "api/structural/validate.h"
#include "apiserver/custom/custom_rules.h"
#include "apiserver/custom/embedded_resources.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

using api::Value;
using api::structural::Node;

const CustomVersion& version_of(const Change& change) { return *change.storage.custom; }

// What a path of the scale leads to, and what is wrong with the way there.
struct Found {
  const Value* value = nullptr;
  std::string field, why;
};

std::string accessor_error(const std::string& path, const Value& value, std::string_view wanted) {
  api::Arena arena;
  Value sorted = api::deep_copy(arena, value);
  api::sort_all_members(sorted);  // As Go prints a map.
  return path + " accessor error: " + api::go_text(sorted, false) + " is of the type " +
         std::string(api::go_type(value)) + ", expected " + std::string(wanted);
}

Found find_at(const Value& object, const std::vector<std::string>& path) {
  Found found;
  for (const std::string& name : path) found.field += "." + name;
  const Value* at = &object;
  std::string so_far;
  for (const std::string& name : path) {
    so_far += "." + name;
    if (at->is_null()) return found;
    if (!at->is_object()) {
      found.why = accessor_error(so_far, *at, "map[string]interface{}");
      return found;
    }
    at = at->find(name);
    if (at == nullptr) return found;
  }
  found.value = at;
  return found;
}

void validate_replicas(std::vector<Cause>& causes, const Value& object,
                       const std::vector<std::string>& path) {
  Found found = find_at(object, path);
  const Value* value = found.value;
  if (value != nullptr && !value->is_int()) {
    found.why = accessor_error(found.field, *value, "int64");
  }
  if (!found.why.empty()) {
    causes.push_back(cause::invalid(found.field, "0", found.why));
  } else if (value != nullptr && value->as_int() < 0) {
    causes.push_back(cause::invalid(found.field, std::to_string(value->as_int()),
                                    "should be a non-negative integer"));
  } else if (value != nullptr && value->as_int() > INT32_MAX) {
    causes.push_back(cause::invalid(found.field, std::to_string(value->as_int()),
                                    "should be less than or equal to 2147483647"));
  }
}

void validate_scale_status(std::vector<Cause>& causes, const Value& object,
                           const CustomVersion& version) {
  if (!version.has_scale) return;
  validate_replicas(causes, object, version.scale.status_replicas);
  if (version.scale.selector.empty()) return;
  Found found = find_at(object, version.scale.selector);
  if (found.value != nullptr && !found.value->is_string()) {
    found.why = accessor_error(found.field, *found.value, "string");
  }
  if (!found.why.empty()) causes.push_back(cause::invalid(found.field, "\"\"", found.why));
}

void validate_lists(std::vector<Cause>& causes, const Value& object, const Value* old,
                    const Node& root) {
  std::vector<Cause> repeated, before;
  api::structural::validate_lists(repeated, object, root);
  // An object that had an item twice may go on so.
  if (!repeated.empty() && old != nullptr) api::structural::validate_lists(before, *old, root);
  if (before.empty()) causes.insert(causes.end(), repeated.begin(), repeated.end());
}

void ask_rules(Change& change, const Value& object, const Value* old) {
  const CustomVersion& version = version_of(change);
  if (version.rules == nullptr) return;
  if (api::structural::blocks_rules(change.causes)) {
    change.causes.push_back(cause::invalid(
        "<nil>", "null",
        "some validation rules were not checked because the object was invalid; correct the "
        "existing errors to complete validation"));
    return;
  }
  std::vector<std::string> tolerated;
  version.rules->validate(change.causes, object, old, &tolerated);
  for (std::string& text : tolerated) change.warn(std::move(text));
}

void validate_all(Change& change, const Value& object, const Value* old) {
  const CustomVersion& version = version_of(change);
  const Node* root = version.schema == nullptr ? nullptr : &version.schema->root();
  if (root != nullptr) api::structural::validate(change.causes, object, *root, old);
  if (version.has_scale) {
    validate_replicas(change.causes, object, version.scale.spec_replicas);
    validate_scale_status(change.causes, object, version);
  }
  if (root == nullptr || !version.prunes) return;
  validate_embedded(change.causes, object, *root);
  validate_lists(change.causes, object, old, *root);
  ask_rules(change, object, old);
}

void validate(Change& change, const Value& object) {
  if (change.old == nullptr) validate_all(change, object, nullptr);
}

void validate_update(Change& change, const Value& object, const Value& old) {
  validate_all(change, object, &old);
}

// Of the rest only rules may say something.
void validate_status(Change& change, const Value& object, const Value& old) {
  const CustomVersion& version = version_of(change);
  const Node* root = version.schema == nullptr ? nullptr : &version.schema->root();
  const Node* schema = root == nullptr ? nullptr : root->property("status");
  const Value* status = object.find("status");
  if (schema != nullptr && status != nullptr) {
    api::structural::validate(change.causes, *status, *schema, old.find("status"), "status");
  }
  validate_scale_status(change.causes, object, version);
  if (root == nullptr || !version.prunes) return;
  validate_lists(change.causes, object, &old, *root);
  ask_rules(change, object, &old);
}

// Names of finalizers without a domain are Kubernetes' own.
void warn(Change& change, const Value& object, const Value* old) {
  const Value* finalizers = object.find_path({"metadata", "finalizers"});
  if (finalizers == nullptr || !finalizers->is_array()) return;
  std::set<std::string_view> added;
  for (const Value& item : finalizers->items()) {
    if (!item.is_string()) continue;
    const std::string_view name = item.as_string();
    const bool is_own = name == "orphan" || name == "foregroundDeletion" || name == "kubernetes";
    if (is_own || name.find('/') != std::string_view::npos) continue;
    if (old == nullptr || !has_finalizer(*old, name)) added.insert(name);
  }
  for (const std::string_view name : added) {
    const bool has_dot = name.find('.') != std::string_view::npos;
    change.warn("metadata.finalizers: " + quoted(name) +
                ": prefer a domain-qualified finalizer name" +
                (has_dot ? " including a path (/)" : "") +
                " to avoid accidental conflicts with other finalizer writers");
  }
}

Result<void> prepare_create(Change& change, Value&) {
  if (!version_of(change).kind->is_terminating()) return {};
  return errors::forbidden(resource_text(change.storage), change.name,
                           "create not allowed while custom resource definition is terminating");
}

void shape(api::Arena& arena, Value& object, const CustomVersion& version,
           void (*by_schema)(api::Arena&, Value&, const Node&)) {
  if (version.schema == nullptr || !version.prunes) return;
  // The metadata is the server's own, whatever the schema says of it.
  const Value* metadata = object.find("metadata");
  const Value kept = metadata == nullptr ? Value() : *metadata;
  by_schema(arena, object, version.schema->root());
  if (metadata != nullptr) object.set_ref(arena, "metadata", kept);
}

}  // namespace

Result<void> take_custom_object(api::Arena& arena, Value& object, const CustomVersion& version,
                                std::vector<std::string>& unknown) {
  const auto refuse = [&](const std::string& why) {
    const std::string kind(version.resource.kind);
    return errors::bad_request(kind + " in version \"" + std::string(version.resource.version) +
                               "\" cannot be handled as a " + kind + ": " + why);
  };
  if (auto ok = take_metadata(arena, object, "", unknown); !ok) return refuse(ok.error().message);
  if (version.schema == nullptr) return {};
  const Node& root = version.schema->root();
  if (version.prunes) {
    api::structural::prune(object, root, &unknown);
    api::structural::drop_refused_nulls(object, root);
  }
  if (auto ok = take_embedded(arena, object, root, "", unknown); !ok) {
    return refuse(ok.error().message);
  }
  return {};
}

Result<void> take_applied_object(api::Arena& arena, Value& object, const CustomVersion& version) {
  std::vector<std::string> unknown;
  if (auto ok = take_metadata(arena, object, "", unknown); !ok) return ok;
  shape(arena, object, version, api::structural::fill_defaults);
  return {};
}

void default_custom_object(api::Arena& arena, Value& object, const CustomVersion& version) {
  shape(arena, object, version, api::structural::apply_defaults);
}

void as_custom_version(api::Arena& arena, Value& object, const CustomVersion& version) {
  const auto& resource = version.resource;
  object.set_ref(arena, "apiVersion",
                 Value::string(arena, group_version(resource.group, resource.version)));
  if (version.schema != nullptr && version.prunes) {
    api::structural::prune(object, version.schema->root());
  }
}

void show_custom_object(api::Arena& arena, Value& object, const CustomVersion& version) {
  const CustomVersion* own = version.kind->find_api_version(object.string_at("apiVersion"));
  if (own == nullptr) own = &version;  // A version that is gone.
  as_custom_version(arena, object, *own);
  default_custom_object(arena, object, *own);
  if (own != &version) as_custom_version(arena, object, version);
}

constinit const Strategy kCustomStrategy{
    .storage_resource = "",
    .has_generation = true,
    .must_name_revision = true,
    .prepare_create = prepare_create,
    .validate = validate,
    .validate_update = validate_update,
    .validate_status = validate_status,
    .warn = warn,
};

}  // namespace pinnace::apiserver
