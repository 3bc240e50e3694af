// The schema of the Kubernetes API at run time: what types there are, their fields and their rules.
//
// Why: one path serves every kind. Codecs, defaults, pruning, patches, apply, OpenAPI and Table
//   output read these tables and never ask for a kind by name. Built-in kinds come from schemas/
//   through the generator as constant data; a CustomResourceDefinition makes the same structs at
//   run time.
// Lifetime: everything reached from a Schema lives as long as it; the built-in one lives forever.
// Threads: immutable once made.
// Source: schemas/README.md describes the data files.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace pinnace::apiserver {
struct CustomVersion;  // apiserver/custom/custom_kind.h
}

namespace pinnace::api {

struct TypeInfo;

// The shape of a field's value.
enum class Form : std::uint8_t {
  kString,
  kBool,
  kInt32,
  kInt64,
  kUint32,
  kUint64,
  kDouble,
  kBytes,      // base64 text in JSON
  kTime,       // RFC 3339, seconds
  kMicroTime,  // RFC 3339, microseconds
  kDuration,   // "1h2m3s"
  kQuantity,   // "100m", "1Gi"; a number is accepted
  kIntOrString,
  kRawObject,  // RawExtension: any object, kept as it is
  kAnyJson,    // JSON, FieldsV1: any value, kept as it is
  kObject,     // a struct: `type` says which
};

// How a field holds values of its Form.
enum class Container : std::uint8_t { kOne, kList, kMap };  // kMap: string keys

enum class ListType : std::uint8_t { kAtomic, kSet, kMap };

struct FieldInfo {
  std::string_view name;  // JSON name; empty when `is_inline` and there is none.
  Form form;
  Container container;
  const TypeInfo* type;        // For kObject; otherwise nullptr.
  std::uint32_t proto_number;  // 0: not in protobuf.
  bool is_inline;              // Its members stand in the parent's JSON object.
  bool is_pointer;             // Protobuf sends it only when set; JSON omits when unset.
  bool required;
  bool omit_empty;
  ListType list_type;  // Maps and structs: kAtomic or kMap (granular).
  std::span<const std::string_view> list_map_keys;
  std::string_view patch_merge_key;               // Strategic merge; empty: none.
  bool patch_merge;                               // patchStrategy contains "merge"
  bool patch_retain_keys;                         // patchStrategy contains "retainKeys"
  bool patch_replace;                             // patchStrategy is "replace"
  std::string_view default_json;                  // A default declared on the field; empty: none.
  std::span<const std::string_view> enum_values;  // Closed set; empty: open.
  std::string_view limits;  // As written in the data: "minimum=1;maximum=65535".
  std::string_view doc;     // One sentence in our own words; may be empty.
};

// How a whole type stands in JSON and protobuf.
enum class TypeForm : std::uint8_t {
  kStruct,
  kWrapperList,  // JSON list; protobuf message with one repeated field (fields[0])
  kOneOf,        // JSON is the one member that is set
};

// One rule of defaulting: set `path` below the type to `value_json` when `condition` holds.
struct DefaultRule {
  std::string_view path;
  std::string_view value_json;
  std::string_view condition;
};

struct TypeInfo {
  std::string_view group;  // "" for core
  std::string_view version;
  std::string_view name;           // "PodSpec"
  std::string_view proto_package;  // "k8s.io.api.core.v1"
  TypeForm form;
  bool atomic;                        // Server-side apply owns it as one value.
  std::span<const FieldInfo> fields;  // In JSON order; includes metadata; not apiVersion and kind
                                      // of kinds (they are `is_kind`'s business).
  std::span<const std::uint8_t> proto_order;  // Indices of the fields with a number, by number.
  bool is_kind;                               // Has apiVersion and kind in JSON.
  std::span<const DefaultRule> defaults;
  std::string_view doc;

  const FieldInfo* field(std::string_view json_name) const;  // looks into inline members too
};

struct ColumnInfo {
  std::string_view name, type, format;
  std::int32_t priority;
  std::string_view value;  // An expression of schemas/README.md "Columns".
};

struct SubresourceInfo {
  std::string_view name;                  // "status", "scale", "log", "exec", "binding"
  const TypeInfo* type;                   // What its body is; may be nullptr (exec).
  std::string_view group, version, kind;  // What discovery lists.
  std::span<const std::string_view> verbs;
};

// One resource of one group and version: a row of discovery.
struct ResourceInfo {
  std::string_view group, version;
  std::string_view name;  // "pods"
  std::string_view singular;
  std::string_view kind;
  const TypeInfo* type;
  const TypeInfo* list_type;  // May be nullptr (no list verb).
  bool namespaced;
  bool enabled;  // Served by default.
  std::span<const std::string_view> verbs;
  std::span<const std::string_view> short_names;
  std::span<const std::string_view> categories;
  std::span<const SubresourceInfo> subresources;
  std::span<const ColumnInfo> columns;
  std::span<const std::string_view> field_selectors;  // Labels besides metadata.name/namespace.
  // All group-versions of one stored object share these two: "apps/deployments".
  std::string_view storage_resource;
  std::string_view storage_version;  // "apps/v1": the form in which it is kept.
  // What else a CustomResourceDefinition says; nullptr for what is built in.
  const apiserver::CustomVersion* custom = nullptr;

  const SubresourceInfo* subresource(std::string_view subresource_name) const;
  bool has_verb(std::string_view verb) const;
};

// A group and the versions of it that are served, the preferred one first.
struct GroupInfo {
  std::string_view name;  // "" for core
  std::span<const std::string_view> versions;
};

// Types and resources: all that are built in, or those that a CustomResourceDefinition makes.
struct Schema {
  std::span<const TypeInfo> types;
  std::span<const ResourceInfo> resources;
  std::span<const GroupInfo> group_infos;
  std::span<const std::string_view> group_names;

  // Status, WatchEvent, DeleteOptions and their like are found in every group and version.
  const TypeInfo* find_type(std::string_view group, std::string_view version,
                            std::string_view name) const;
  const ResourceInfo* find_resource(std::string_view group, std::string_view version,
                                    std::string_view resource) const;
  const ResourceInfo* find_kind(std::string_view group, std::string_view version,
                                std::string_view kind) const;
  // The versions of a group that are served, the preferred one first.
  std::span<const std::string_view> versions(std::string_view group) const;
  // Every group, in the order of discovery; "" first.
  std::span<const std::string_view> groups() const;
};

const Schema& builtin_schema();

}  // namespace pinnace::api
