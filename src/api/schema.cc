#include "api/schema.h"

#include <algorithm>
#include <array>
#include <optional>

#include "api/generated/schema_data.h"
#include "api/served.h"
#include "base/assert.h"

namespace pinnace::api {
namespace {

// FNV-1a over the three parts with a zero byte between them; tools/schema/emit_tables.py fills the
// slot tables with the same.
class SlotHash {
 public:
  SlotHash& add(std::string_view text) {
    for (const char c : text) step(static_cast<unsigned char>(c));
    return *this;
  }
  SlotHash& separator() {
    step(0);
    return *this;
  }
  std::uint64_t value() const { return value_; }

 private:
  void step(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001b3; }
  std::uint64_t value_ = 0xcbf29ce484222325;
};

// The row of `rows` that belongs to the three parts; `name_of` gives a row's third one.
template <typename Row, typename NameOf>
const Row* find_row(std::span<const std::uint16_t> slots, std::span<const Row> rows,
                    std::string_view group, std::string_view version, std::string_view name,
                    NameOf name_of) {
  const auto hash = SlotHash().add(group).separator().add(version).separator().add(name).value();
  const std::size_t mask = slots.size() - 1;
  for (std::size_t at = hash & mask; slots[at] != 0; at = (at + 1) & mask) {
    const Row& row = rows[slots[at] - 1];
    if (name_of(row) == name && row.version == version && row.group == group) return &row;
  }
  return nullptr;
}

template <typename Row, typename NameOf>
const Row* scan_rows(std::span<const Row> rows, std::string_view group, std::string_view version,
                     std::string_view name, NameOf name_of) {
  for (const Row& row : rows) {
    if (name_of(row) == name && row.version == version && row.group == group) return &row;
  }
  return nullptr;
}

// Types of meta.k8s.io that every group and version has as its own kinds.
constexpr std::array<std::string_view, 14> kSharedKinds{
    "Status",        "WatchEvent",      "DeleteOptions", "ListOptions", "GetOptions",
    "CreateOptions", "UpdateOptions",   "PatchOptions",  "APIVersions", "APIGroup",
    "APIGroupList",  "APIResourceList", "TableOptions",  "List"};

constexpr auto kTypeName = [](const TypeInfo& row) { return row.name; };
constexpr auto kResourceNameOf = [](const ResourceInfo& row) { return row.name; };
constexpr auto kResourceKind = [](const ResourceInfo& row) { return row.kind; };

// `serve` alone changes it.
constinit Schema builtin{generated::kTypes, generated::kResources, generated::kGroups,
                         generated::kGroupNames};

}  // namespace

const FieldInfo* TypeInfo::field(std::string_view json_name) const {
  for (const FieldInfo& info : fields) {
    if (!info.is_inline) {
      if (info.name == json_name) return &info;
    } else if (const FieldInfo* inner = info.type->field(json_name)) {
      return inner;
    }
  }
  return nullptr;
}

const SubresourceInfo* ResourceInfo::subresource(std::string_view subresource_name) const {
  for (const SubresourceInfo& info : subresources) {
    if (info.name == subresource_name) return &info;
  }
  return nullptr;
}

bool ResourceInfo::has_verb(std::string_view verb) const {
  return std::ranges::find(verbs, verb) != verbs.end();
}

const TypeInfo* Schema::find_type(std::string_view group, std::string_view version,
                                  std::string_view name) const {
  const TypeInfo* found = this == &builtin ? find_row(std::span(generated::kTypeSlots), types,
                                                      group, version, name, kTypeName)
                                           : scan_rows(types, group, version, name, kTypeName);
  if (found != nullptr || this != &builtin || group == "meta.k8s.io") return found;
  if (std::ranges::find(kSharedKinds, name) == kSharedKinds.end()) return nullptr;
  return find_row(std::span(generated::kTypeSlots), types, "meta.k8s.io", "v1", name, kTypeName);
}

const ResourceInfo* Schema::find_resource(std::string_view group, std::string_view version,
                                          std::string_view resource) const {
  if (this != &builtin) return scan_rows(resources, group, version, resource, kResourceNameOf);
  return find_row(std::span(generated::kResourceSlots), resources, group, version, resource,
                  kResourceNameOf);
}

const ResourceInfo* Schema::find_kind(std::string_view group, std::string_view version,
                                      std::string_view kind) const {
  if (this != &builtin) return scan_rows(resources, group, version, kind, kResourceKind);
  return find_row(std::span(generated::kKindSlots), resources, group, version, kind, kResourceKind);
}

std::span<const std::string_view> Schema::versions(std::string_view group) const {
  for (const GroupInfo& info : group_infos) {
    if (info.name == group) return info.versions;
  }
  return {};
}

std::span<const std::string_view> Schema::groups() const { return group_names; }

const Schema& builtin_schema() { return builtin; }

void serve(ServedSchema served) {
  static std::optional<ServedSchema> kept;
  PINNACE_ASSERT(!kept.has_value());
  kept.emplace(std::move(served));
  builtin = kept->schema(builtin);
}

}  // namespace pinnace::api
