#include "apiserver/registry/ownership.h"

#include <algorithm>
#include <array>

#include "api/member_index.h"
#include "api/object_codec.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/write_options.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::apply::FieldSet;
using api::apply::FieldSetBuilder;
using api::apply::PathElement;

// What a request to a subresource cannot change besides the spec. Every other kind's status leaves
// the spec alone, and the object itself leaves its status. Who writes the status of a custom object
// is told to manage its metadata, too, which stays as it is.
struct ResetRow {
  std::string_view storage_resource, subresource;
  std::array<std::string_view, 3> paths;
};
constexpr ResetRow kResets[] = {
    {"apps/deployments", "status", {"spec", "metadata.labels"}},
    {"certificates.k8s.io/certificatesigningrequests", "", {"spec", "status"}},
    {"certificates.k8s.io/certificatesigningrequests", "status", {"spec", "status.conditions"}},
    {"certificates.k8s.io/certificatesigningrequests", "approval", {"spec", "status.certificate"}},
    {"pods", "status", {"spec", "metadata.deletionTimestamp", "metadata.ownerReferences"}},
    {"flowcontrol.apiserver.k8s.io/flowschemas", "status", {"spec", "metadata"}},
    {"flowcontrol.apiserver.k8s.io/prioritylevelconfigurations", "status", {"spec", "metadata"}},
    {"admissionregistration.k8s.io/validatingadmissionpolicies", "status", {"spec", "metadata"}},
    {"apiextensions.k8s.io/customresourcedefinitions", "status", {"spec", "metadata"}},
    {"apiregistration.k8s.io/apiservices", "status", {"spec", "metadata"}},
    {"internal.apiserver.k8s.io/storageversions", "status", {"spec", "metadata"}},
    {"resource.k8s.io/resourceclaims", "status", {"spec", "metadata"}},
    {"resource.k8s.io/devicetaintrules", "status", {"spec", "metadata"}},
    {"storage.k8s.io/volumeattachments", "status", {"spec", "metadata"}},
};
constexpr ResetRow kResetByStatus = {"", "status", {"spec"}};
constexpr ResetRow kResetByObject = {"", "", {"status"}};

// What alone a request to a subresource can change; `*` is any item.
struct OnlyRow {
  std::string_view storage_resource, subresource;
  std::span<const std::string_view> paths;
};
constexpr std::string_view kEphemeral[] = {"spec.ephemeralContainers"};
constexpr std::string_view kResized[] = {
    "spec.containers.*.resources", "spec.containers.*.resizePolicy",
    "spec.initContainers.*.resources", "spec.initContainers.*.resizePolicy"};
constexpr OnlyRow kOnly[] = {
    {"pods", "ephemeralcontainers", kEphemeral},
    {"pods", "resize", kResized},
};

struct MetadataRow {
  std::string_view storage_resource;
  MetadataOfStatus kept;
};
// A CustomResourceDefinition means to keep its own, and does not.
constexpr MetadataRow kMetadataOfStatus[] = {
    {"apps/deployments", MetadataOfStatus::kKeptLabels},
    {"pods", MetadataOfStatus::kKeptOwners},
    {"flowcontrol.apiserver.k8s.io/flowschemas", MetadataOfStatus::kKept},
    {"flowcontrol.apiserver.k8s.io/prioritylevelconfigurations", MetadataOfStatus::kKept},
    {"admissionregistration.k8s.io/validatingadmissionpolicies", MetadataOfStatus::kKept},
    {"apiregistration.k8s.io/apiservices", MetadataOfStatus::kKept},
    {"internal.apiserver.k8s.io/storageversions", MetadataOfStatus::kKept},
    {"resource.k8s.io/resourceclaims", MetadataOfStatus::kKept},
    {"resource.k8s.io/devicetaintrules", MetadataOfStatus::kKept},
    {"storage.k8s.io/volumeattachments", MetadataOfStatus::kKept},
};

const ResetRow* reset_row(const Change& change) {
  for (const ResetRow& row : kResets) {
    if (row.storage_resource == change.storage.storage_resource &&
        row.subresource == change.subresource) {
      return &row;
    }
  }
  if (change.subresource == "status") return &kResetByStatus;
  return change.storage.subresource("status") == nullptr ? nullptr : &kResetByObject;
}

FieldSet reset_fields_of(const Change& change) {
  const ResetRow* row = reset_row(change);
  FieldSet all;
  if (row == nullptr) return all;
  for (const std::string_view path : row->paths) {
    if (path.empty()) continue;
    std::vector<FieldSetBuilder::Step> steps;
    for (const std::string_view name : split(path, '.')) {
      steps.push_back({PathElement::field(name), steps.size() + 1});
    }
    FieldSetBuilder one(change.arena);
    one.insert(steps);
    all = unite(change.arena, all, one.finish());
  }
  return all;
}

std::span<const std::string_view> only_fields_of(const Change& change) {
  for (const OnlyRow& row : kOnly) {
    if (row.storage_resource == change.storage.storage_resource &&
        row.subresource == change.subresource) {
      return row.paths;
    }
  }
  return {};
}

// The fields on one of the paths, and all that is below the end of one. `paths` are what is left of
// them where `fields` stand.
FieldSet on_paths(api::Arena& arena, const FieldSet& fields,
                  const std::vector<std::string_view>& paths) {
  std::vector<api::apply::FieldEntry> kept;
  for (api::apply::FieldEntry entry : fields.entries) {
    const bool is_field = entry.element.kind() == PathElement::Kind::kField;
    std::vector<std::string_view> below;
    bool is_on = false, is_whole = false;
    for (const std::string_view path : paths) {
      const auto dot = path.find('.');
      const std::string_view step = path.substr(0, dot);
      if (step != "*" && (!is_field || entry.element.text() != step)) continue;
      is_on = true;
      is_whole = is_whole || dot == std::string_view::npos;
      if (dot != std::string_view::npos) below.push_back(path.substr(dot + 1));
    }
    if (!is_on) continue;
    if (!is_whole) entry.children = on_paths(arena, entry.children, below);
    if (!entry.empty()) kept.push_back(entry);
  }
  return api::apply::set_of(arena, kept);
}

// Of whom the write starts: what the client sent counts if it is in order, and not by way of a
// subresource. Who does not know managedFields does not remove them.
api::apply::Managers managers_before(Change& change, const api::Value* sent,
                                     const api::Value* live) {
  const bool is_new = sent != nullptr && change.subresource.empty() &&
                      (live == nullptr || !api::equal(*sent, *live));
  if (is_new && api::apply::is_reset(*sent)) return {};
  if (is_new) {
    auto managers = api::apply::decode_sent_managers(change.arena, *sent);
    if (managers && !managers->empty()) return std::move(*managers);
  }
  auto managers = api::apply::decode_managers(live);
  return managers ? std::move(*managers) : api::apply::Managers();
}

}  // namespace

MetadataOfStatus metadata_of_status(const Change& change) {
  if (change.storage.custom != nullptr) return MetadataOfStatus::kKept;
  for (const auto& [resource, kept] : kMetadataOfStatus) {
    if (resource == change.storage.storage_resource) return kept;
  }
  return MetadataOfStatus::kSent;
}

KindVersions::KindVersions(const Change& change)
    : call_(change.call),
      requested_(change.arena.copy(group_version(call_.resource->group, call_.resource->version))),
      stored_(change.arena.copy(group_version(change.storage.group, change.storage.version))),
      only_(only_fields_of(change)),
      reset_(reset_fields_of(change)) {}

FieldSet KindVersions::changeable(api::Arena& arena, const FieldSet& fields) const {
  if (only_.empty()) return subtract_below(arena, fields, reset_);
  return on_paths(arena, fields, {only_.begin(), only_.end()});
}

const api::ResourceInfo* KindVersions::find(std::string_view api_version) const {
  if (api_version == requested_) return call_.resource;
  if (api_version == stored_) return call_.storage;
  const auto slash = api_version.find('/');
  const bool has_group = slash != std::string_view::npos;
  const std::string_view group = has_group ? api_version.substr(0, slash) : "";
  const std::string_view version = has_group ? api_version.substr(slash + 1) : api_version;
  const std::string_view name = call_.resource->name;
  const auto* found = call_.catalog == nullptr
                          ? api::builtin_schema().find_resource(group, version, name)
                          : call_.catalog->find_resource(group, version, name);
  const bool is_same_kind =
      found != nullptr && found->storage_resource == call_.storage->storage_resource;
  return is_same_kind ? found : nullptr;
}

api::apply::Shape KindVersions::shape(std::string_view api_version) const {
  const auto* resource = find(api_version);
  if (resource == nullptr) return {};
  // The group without a name and the others do not know each other's types: of events.
  if (resource->group.empty() != call_.resource->group.empty()) return {};
  return resource->type == nullptr ? api::apply::Shape::deduced()
                                   : api::apply::Shape::of(*resource->type);
}

Result<api::Value> KindVersions::convert(api::Arena& arena, const api::Value& object,
                                         std::string_view from, std::string_view to) const {
  if (from == to) return object;
  const auto* source = find(from);
  const auto* target = find(to);
  if (source == nullptr || target == nullptr) {
    return errors::internal("there is no version " + std::string(to));
  }
  api::Value converted = api::deep_copy(arena, object);
  // What was merged or taken apart gets the form that conversions of built-in kinds expect.
  const bool is_builtin = source->custom == nullptr;
  const auto normal = is_builtin ? api::normalise(arena, converted, *source->type) : Result<void>();
  if (!normal) return std::unexpected(normal.error());
  if (auto ok = apiserver::convert(arena, converted, *source, *target); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  return converted;
}

api::Value KindVersions::empty_object(api::Arena& arena, std::string_view api_version) const {
  api::Value object = api::Value::object();
  const auto* resource = find(api_version);
  if (resource == nullptr || resource->custom != nullptr) return object;
  // Nothing in it can be of a wrong type.
  (void)api::normalise(arena, object, *resource->type);
  return object;
}

bool KindVersions::may_have_changed() const { return call_.resource->custom != nullptr; }

api::apply::Writer writer_of(Change& change, const KindVersions& versions) {
  // As in Kubernetes, it is not told when somebody scaled.
  const bool has_time = change.subresource != "scale";
  return {.manager = change.arena.copy(field_manager_of(change.call)),
          .subresource = change.subresource,
          .api_version = versions.requested(),
          .kind = change.call.resource->kind,
          .now = has_time ? change.arena.copy(rfc3339(change.backend.now())) : ""};
}

const api::Value* managed_fields(const api::Value& object) {
  const auto* list = object.find_path({"metadata", "managedFields"});
  return list == nullptr || list->is_null() ? nullptr : list;
}

api::Value without_managed_fields(api::Arena& arena, const api::Value& object) {
  if (managed_fields(object) == nullptr) return object;
  const auto copy = [&](const api::Value& from, std::string_view left_out) {
    api::Value to = api::Value::object();
    to.reserve_entries(arena, from.size());
    for (const auto& [key, value] : from.members()) {
      if (key != left_out) to.add_ref(arena, key, value);
    }
    return to;
  };
  api::Value rest = copy(object, "");
  *rest.find("metadata") = copy(*object.find("metadata"), "managedFields");
  return rest;
}

void set_managed_fields(Change& change, api::Value& object, api::apply::Managers managers) {
  api::Value& meta = meta_of(change.arena, object);
  meta.erase("managedFields");
  if (managers.empty()) return;
  meta.set_ref(change.arena, "managedFields", api::apply::encode_managers(change.arena, managers));
}

void track_ownership(Change& change, api::Value& object, const api::Value* old) {
  const api::Value* live = old == nullptr ? nullptr : managed_fields(*old);
  auto managers = managers_before(change, managed_fields(object), live);
  meta_of(change.arena, object).erase("managedFields");
  // What nobody managed before is not begun to be managed by an update.
  if (old != nullptr && managers.empty()) return;
  const KindVersions versions(change);
  const auto in_request = [&](const api::Value& value) {
    return versions.convert(change.arena, value, versions.stored(), versions.requested());
  };
  const auto before = old == nullptr ? versions.empty_object(change.arena, versions.requested())
                                     : in_request(without_managed_fields(change.arena, *old));
  const auto after = in_request(object);
  if (!before || !after) return;
  const auto done =
      track_update(change.arena, versions, writer_of(change, versions), *before, *after, managers);
  if (done) set_managed_fields(change, object, std::move(managers));
}

namespace {

// Whether both have the same members, the one left out apart.
bool same_members(const api::Value& a, const api::Value& b, std::string_view left_out) {
  const auto count = [&](const api::Value& object) {
    return object.size() - (object.find(left_out) == nullptr ? 0 : 1);
  };
  if (count(a) != count(b)) return false;
  api::MemberIndex index(b);
  return std::ranges::all_of(a.members(), [&](const api::Member& member) {
    if (member.key == left_out) return true;
    const api::Value* other = index.find(member.key);
    return other != nullptr && api::equal(member.value, *other);
  });
}

}  // namespace

bool is_unchanged(const api::Value& object, const api::Value& old) {
  if (!same_members(object, old, "metadata")) return false;
  const api::Value* now = object.find("metadata");
  const api::Value* before = old.find("metadata");
  if (now == nullptr || before == nullptr) return now == before;
  return same_members(*now, *before, "managedFields") &&
         api::apply::same_but_for_times(managed_fields(object), managed_fields(old));
}

}  // namespace pinnace::apiserver
