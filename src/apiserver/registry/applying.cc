#include "apiserver/registry/applying.h"

#include "api/object_codec.h"
#include "api/yaml.h"
#include "apiserver/audit/auditor.h"
#include "apiserver/custom/custom_objects.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/ownership.h"
#include "apiserver/registry/write_options.h"
#include "apiserver/routes.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kMedia = "application/apply-patch+yaml";

struct Held {
  api::Arena arena{16 << 10};
  AppliedConfig config;
};
using HeldRef = std::shared_ptr<const Held>;

std::string kind_in(std::string_view group_version, std::string_view kind) {
  const bool has_group = group_version.find('/') != std::string_view::npos;
  return (has_group ? "" : "/") + std::string(group_version) + ", Kind=" + std::string(kind);
}

// What it came to, as an object of its kind. Of a custom one nothing is dropped: what its schema
// does not know was refused.
Result<void> take_merged(Change& change, api::Value& object) {
  const api::ResourceInfo& resource = *change.call.resource;
  if (resource.custom != nullptr) {
    return take_applied_object(change.arena, object, *resource.custom);
  }
  if (auto ok = check_object(change.call, change.arena, object, resource, {}); !ok) return ok;
  apply_defaults(change.arena, object, resource);
  return {};
}

// Applies the configuration to `live`, which is in the version of the request. Gives the new object
// in the storage version, with its managers.
Result<api::Value> apply(Change& change, const KindVersions& versions, const Held& held,
                         const api::Value& live, const api::Value* managed) {
  Call& call = change.call;
  auto managers = api::apply::decode_managers(managed);
  if (!managers) {
    return errors::internal("failed to decode managed fields: " + managers.error().message);
  }
  const api::Value config = api::deep_copy(change.arena, held.config.value);
  const api::apply::Writer writer = writer_of(change, versions);
  auto applied = apply_configuration(change.arena, versions, writer, call.query.flag("force"), live,
                                     config, *managers);
  if (!applied) return std::unexpected(std::move(applied.error()));
  api::Value object = api::deep_copy(change.arena, applied->object);
  call.warnings.clear();
  if (auto ok = take_merged(change, object); !ok) {
    return errors::unexplained(
        "failed to convert new object (" + object_text(writer, config) +
        ") to proper version: unable to convert unstructured object to " +
        kind_in(versions.requested(), call.resource->kind) + ": " +
        std::string(api::decoding_problem(*call.resource->type, ok.error().message)));
  }
  if (auto ok = check_repeated_keys(call, held.config.duplicates); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  if (auto ok = check_place(call, object); !ok) return std::unexpected(std::move(ok.error()));
  if (auto ok = convert(change.arena, object, *call.resource, *call.storage); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  set_managed_fields(change, object, std::move(*managers));
  return object;
}

Result<api::Value> apply_to_nothing(Change& change, const Held& held) {
  const KindVersions versions(change);
  api::Value live = versions.empty_object(change.arena, versions.requested());
  live.set_ref(change.arena, "apiVersion", change.text(versions.requested()));
  live.set_ref(change.arena, "kind", change.text(change.call.resource->kind));
  auto object = apply(change, versions, held, live, nullptr);
  if (!object) return object;
  const std::string_view uid = meta_text(*object, "uid");
  if (!uid.empty()) {
    return errors::conflict(resource_text(*change.call.resource), change.call.info.name,
                            "uid mismatch: the provided object specified uid " + std::string(uid) +
                                ", and no existing object was found");
  }
  return object;
}

Result<void> apply_to_live(Change& change, const Held& held, api::Value& object,
                           const api::Value& old) {
  const KindVersions versions(change);
  auto live = versions.convert(change.arena, without_managed_fields(change.arena, old),
                               versions.stored(), versions.requested());
  if (!live) return std::unexpected(std::move(live.error()));
  auto next = apply(change, versions, held, *live, managed_fields(old));
  if (!next) return std::unexpected(std::move(next.error()));
  if (auto ok = check_sent_revision(change.call, *next, old); !ok) return ok;
  object = *next;
  return {};
}

}  // namespace

bool is_apply_patch(const Call& call) {
  return is_media_type(call.request.headers.get("content-type"), kMedia);
}

Result<void> check_place(const Call& call, const api::Value& object) {
  const std::string_view name = meta_text(object, "name");
  if (call.storage->namespaced) {
    if (auto ok = check_namespace(meta_text(object, "namespace"), call.info.ns); !ok) return ok;
  }
  if (name.empty()) {
    return errors::bad_request("the name of the object (" + call.info.name +
                               " based on URL) was undeterminable: name must be provided");
  }
  if (name != call.info.name) {
    return errors::bad_request("the name of the object (" + std::string(name) +
                               ") does not match the name on the URL (" + call.info.name + ")");
  }
  return {};
}

Result<AppliedConfig> read_applied(const Call& call, api::Arena& arena,
                                   std::string_view group_version, std::string_view kind) {
  if (auto ok = check_write_options(call, WriteKind::kApply); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  AppliedConfig config;
  auto body = api::parse_yaml(arena, call.request.body, {.duplicate_fields = &config.duplicates});
  if (!body) return errors::bad_request("error decoding YAML: " + body.error().message);
  audit::take_patch(call, *body);
  if (!body->is_object() && !body->is_null()) {
    return errors::bad_request(
        "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot "
        "unmarshal a value that is no object into Go value of type map[string]interface {}");
  }
  const std::string_view version = body->string_at("apiVersion");
  const std::string_view said = body->string_at("kind");
  if (version != group_version || said != kind) {
    return errors::bad_request("invalid object type: " + kind_in(version, said));
  }
  config.value = *body;
  return config;
}

Result<Update> apply_update(const BackendRef& backend, const CallRef& call) {
  auto reading = std::make_shared<Held>();
  const api::ResourceInfo& resource = *call->resource;
  auto config = read_applied(*call, reading->arena, group_version(resource.group, resource.version),
                             resource.kind);
  if (!config) return std::unexpected(std::move(config.error()));
  reading->config = std::move(*config);
  const HeldRef held = std::move(reading);
  Update update;
  update.subresource = call->info.subresource;
  update.ownership = Ownership::kSettled;
  update.apply = [held](Change& change, api::Value& object, const api::Value& old) {
    return apply_to_live(change, *held, object, old);
  };
  if (!call->info.subresource.empty()) return update;
  Update once_more = update;
  update.missing = [backend, call, held, once_more] {
    if_may_create(backend, call, [backend, call, held, once_more] {
      create_made(backend, call,
                  {.make = [held](Change& change) { return apply_to_nothing(change, *held); },
                   .ownership = Ownership::kSettled,
                   .taken = [=] { run_update(backend, call, key_of(*call), once_more); }});
    });
  };
  return update;
}

}  // namespace pinnace::apiserver
