#include "apiserver/registry/object_meta.h"

#include <algorithm>

#include "api/go_text.h"
#include "api/json.h"
#include "apiserver/registry/write_options.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxAnnotationBytes = 256 << 10;
constexpr std::size_t kMaxSubresourceBytes = 256;

void complain(std::vector<Cause>& causes, const std::string& field, std::string_view value,
              const api::Complaints& complaints) {
  for (const auto& text : complaints) causes.push_back(cause::invalid(field, quoted(value), text));
}

// What a client wrote there himself and could be read.
void validate_managers(std::vector<Cause>& causes, const api::Value* managers,
                       const std::string& field) {
  if (managers == nullptr || !managers->is_array()) return;
  std::size_t at = 0;
  for (const api::Value& entry : managers->items()) {
    const std::string place = field + "[" + std::to_string(at++) + "].";
    check_field_manager(causes, place + "manager", entry.string_at("manager"));
    if (entry.string_at("subresource").size() > kMaxSubresourceBytes) {
      causes.push_back(cause::too_long(place + "subresource", kMaxSubresourceBytes));
    }
  }
}

void validate_owner(std::vector<Cause>& causes, const api::Value& owner, const std::string& field) {
  const std::string_view version = owner.string_at("apiVersion");
  const bool has_version =
      !version.empty() && !version.ends_with('/') && std::ranges::count(version, '/') <= 1;
  if (!has_version) {
    causes.push_back(
        cause::invalid(field + ".apiVersion", quoted(version), "version must not be empty"));
  }
  for (const char* key : {"kind", "name", "uid"}) {
    if (!owner.string_at(key).empty()) continue;
    causes.push_back(cause::invalid(field + "." + key, "\"\"", "must not be empty"));
  }
  if (version == "v1" && owner.string_at("kind") == "Event") {
    causes.push_back(cause::invalid(field, api::to_json_text(owner),
                                    "/v1, Kind=Event is disallowed from being an owner"));
  }
}

void validate_owners(std::vector<Cause>& causes, const api::Value* owners,
                     const std::string& field) {
  if (owners == nullptr || !owners->is_array()) return;
  std::string controller;
  for (const api::Value& owner : owners->items()) {
    validate_owner(causes, owner, field);
    if (!owner.bool_at("controller")) continue;
    const std::string name =
        std::string(owner.string_at("kind")) + "/" + std::string(owner.string_at("name"));
    if (controller.empty()) {
      controller = name;
      continue;
    }
    causes.push_back(cause::invalid(field, api::to_json_text(*owners),
                                    "Only one reference can have Controller set to true. Found "
                                    "\"true\" in references for " +
                                        controller + " and " + name));
  }
}

// Names without a domain are Kubernetes' own. Those of custom resources are only advised against.
void validate_finalizer_domains(Change& change, const api::Value* finalizers) {
  // Where Kubernetes takes any.
  constexpr std::string_view kFree[] = {
      "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
      "coordination.k8s.io",          "events.k8s.io",        "node.k8s.io"};
  const api::ResourceInfo& kind = change.storage;
  if (finalizers == nullptr || !finalizers->is_array()) return;
  if (kind.custom != nullptr || kind.storage_resource == "events" ||
      std::ranges::find(kFree, kind.group) != std::end(kFree)) {
    return;
  }
  const bool is_built_in =
      api::builtin_schema().find_resource(kind.group, kind.version, kind.name) != nullptr;
  if (!is_built_in) return;
  for (std::size_t i = 0; i < finalizers->size(); ++i) {
    const api::Value& item = finalizers->items()[i];
    const std::string_view name = item.is_string() ? item.as_string() : std::string_view();
    if (name.find('/') != std::string_view::npos || name == "orphan" ||
        name == "foregroundDeletion" || name == "kubernetes") {
      continue;
    }
    change.causes.push_back(
        cause::invalid("metadata.finalizers[" + std::to_string(i) + "]", quoted(name),
                       "name is neither a standard finalizer name nor is it fully qualified"));
  }
}

void validate_finalizers(std::vector<Cause>& causes, const api::Value* finalizers,
                         const std::string& field) {
  if (finalizers == nullptr || !finalizers->is_array()) return;
  bool orphan = false, foreground = false;
  for (const auto& item : finalizers->items()) {
    if (!item.is_string()) continue;
    complain(causes, field, item.as_string(), api::check_qualified_name(item.as_string()));
    orphan = orphan || item.as_string() == "orphan";
    foreground = foreground || item.as_string() == "foregroundDeletion";
  }
  if (orphan && foreground) {
    causes.push_back(cause::invalid(field, api::to_json_text(*finalizers),
                                    "finalizer orphan and foregroundDeletion cannot be both set"));
  }
}

}  // namespace

std::string quoted(std::string_view text) { return api::go_quoted(text); }

std::string json_quoted(std::string_view text) {
  std::string out;
  api::write_json_string(out, text);
  return out;
}

Result<void> check_namespace(std::string_view own, std::string_view requested) {
  if (own.empty() || own == requested) return {};
  return errors::bad_request(
      "the namespace of the provided object does not match the namespace sent on the request");
}

api::Value& meta_of(api::Arena& arena, api::Value& object) {
  return object.ensure_object(arena, "metadata");
}

std::string_view meta_text(const api::Value& object, std::string_view key) {
  const auto* meta = object.find("metadata");
  return meta == nullptr ? std::string_view() : meta->string_at(key);
}

bool is_being_deleted(const api::Value& object) {
  return !meta_text(object, "deletionTimestamp").empty();
}

bool has_namespace_finalizers(const api::Value& object) {
  if (object.string_at("kind") != "Namespace" || object.string_at("apiVersion") != "v1") {
    return false;
  }
  const auto* list = object.find_path({"spec", "finalizers"});
  return list != nullptr && list->is_array() && !list->empty();
}

bool has_finalizers(const api::Value& object) {
  const auto* finalizers = object.find_path({"metadata", "finalizers"});
  return finalizers != nullptr && !finalizers->empty();
}

bool has_finalizer(const api::Value& object, std::string_view wanted) {
  const auto* finalizers = object.find_path({"metadata", "finalizers"});
  if (finalizers == nullptr || !finalizers->is_array()) return false;
  for (const auto& item : finalizers->items()) {
    if (item.is_string() && item.as_string() == wanted) return true;
  }
  return false;
}

void validate_annotations(std::vector<Cause>& causes, const api::Value* annotations,
                          const std::string& field) {
  if (annotations == nullptr || !annotations->is_object()) return;
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations->members()) {
    complain(causes, field, key, api::check_qualified_name(to_lower(key)));
    bytes += key.size() + (value.is_string() ? value.as_string().size() : 0);
  }
  if (bytes > kMaxAnnotationBytes) causes.push_back(cause::too_long(field, kMaxAnnotationBytes));
}

void validate_labels(std::vector<Cause>& causes, const api::Value* labels,
                     const std::string& field) {
  if (labels == nullptr || !labels->is_object()) return;
  for (const auto& [key, value] : labels->members()) {
    complain(causes, field, key, api::check_qualified_name(key));
    if (!value.is_string()) continue;
    for (const auto& text : api::check_label_value(value.as_string())) {
      causes.push_back(cause::invalid(field, quoted(value.as_string()), text));
    }
  }
}

void validate_metadata(std::vector<Cause>& causes, const api::Value& metadata,
                       const std::string& place, api::Complaints (*check_name)(std::string_view)) {
  const std::string_view name = metadata.string_at("name");
  const std::string_view prefix = metadata.string_at("generateName");
  if (!prefix.empty()) {
    // A dash at its end is no end of the name.
    const bool is_dashed = prefix.size() > 1 && prefix.ends_with('-');
    complain(causes, place + ".generateName", prefix,
             check_name(is_dashed ? std::string(prefix.substr(0, prefix.size() - 1)) + "a"
                                  : std::string(prefix)));
  }
  if (name.empty()) {
    causes.push_back(cause::required(place + ".name", "name or generateName is required"));
  } else if (const api::Complaints complaints = check_name(name); !complaints.empty()) {
    complain(causes, place + ".name", name, complaints);
  }
  const auto check = [&](const char* key, auto* validate) {
    if (const auto* value = metadata.find(key)) validate(causes, value, place + "." + key);
  };
  check("labels", validate_labels);
  check("annotations", validate_annotations);
  check("ownerReferences", validate_owners);
  check("finalizers", validate_finalizers);
  check("managedFields", validate_managers);
}

void validate_meta(Change& change, const Strategy& strategy, const api::Value& object) {
  const auto* meta = object.find("metadata");
  if (meta == nullptr) return;
  validate_metadata(change.causes, *meta, "metadata", strategy.check_name);
  if (change.storage.namespaced && change.old == nullptr) {
    complain(change.causes, "metadata.namespace", meta->string_at("namespace"),
             api::check_dns1123_label(meta->string_at("namespace")));
  }
  validate_finalizer_domains(change, meta->find("finalizers"));
}

void validate_meta_update(Change& change, const api::Value& object, const api::Value& old) {
  if (!is_being_deleted(old)) return;
  const auto* finalizers = object.find_path({"metadata", "finalizers"});
  if (finalizers == nullptr || !finalizers->is_array()) return;
  std::string added;
  for (const auto& item : finalizers->items()) {
    if (!item.is_string() || has_finalizer(old, item.as_string())) continue;
    added += (added.empty() ? "" : ", ") + quoted(item.as_string());
  }
  if (added.empty()) return;
  change.causes.push_back(cause::forbidden(
      "metadata.finalizers",
      "no new finalizers can be added if the object is being deleted, found new finalizers "
      "[]string{" +
          added + "}"));
}

}  // namespace pinnace::apiserver
