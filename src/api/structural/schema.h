// Schema is the openAPIV3Schema of one version of a custom kind, ready to work with.
//
// Why: what a definition says is read once; pruning, defaults and validation walk these nodes.
// Lifetime: owns all that its nodes refer to, and nothing outside.
// Errors: 400 for what cannot be worked with at all (depth, size, a pattern that is none).
//   validate_schema.h says, in Kubernetes' words, what a definition may not have.
// Bounds: kMaxDepth levels, kMaxNodes nodes.
// Threads: immutable; any.
// Source: kubernetes.io/docs/tasks/extend-kubernetes/custom-resources, "Specifying a structural
//   schema".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "api/structural/pattern.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::api::structural {

inline constexpr int kMaxDepth = 128;
inline constexpr std::size_t kMaxNodes = 1 << 17;

enum class Type : std::uint8_t { kAny, kObject, kArray, kString, kInteger, kNumber, kBoolean };
enum class ListKind : std::uint8_t { kAtomic, kSet, kMap };

struct Node;

struct Property {
  std::string_view name;
  const Node* node;
};

// What a value must hold besides being of its type.
struct Checks {
  std::string_view format;
  std::optional<double> minimum, maximum, multiple_of;
  bool exclusive_minimum = false, exclusive_maximum = false;
  std::optional<std::int64_t> min_length, max_length, min_items, max_items, min_properties,
      max_properties;
  bool unique_items = false;
  std::string_view pattern_text;
  const Pattern* pattern = nullptr;
  std::span<const Value> enum_values;
  bool has_enum = false;
  std::span<const std::string_view> required;
  std::span<const Node*const> all_of, any_of, one_of;
  const Node* not_node = nullptr;
};

// One of x-kubernetes-validations.
struct Rule {
  std::string_view rule, message, message_expression, reason, field_path;
  bool optional_old_self = false;
};

struct Node {
  Type type = Type::kAny;
  bool nullable = false;
  bool int_or_string = false;
  bool embedded_resource = false;
  bool preserve_unknown_fields = false;
  bool atomic_map = false;
  bool allows_additional = false;   // additionalProperties: true, or a schema
  bool refuses_additional = false;  // additionalProperties: false
  bool has_defaults = false;        // here or below
  bool has_rules = false;           // here or below
  bool has_resources = false;       // embedded ones, here or below
  bool has_keyed_lists = false;     // sets and maps, here or below
  ListKind list_kind = ListKind::kAtomic;
  std::span<const Property> properties;  // sorted by name
  const Node* additional = nullptr;      // of additionalProperties with a schema
  const Node* items = nullptr;
  std::span<const std::string_view> list_map_keys;
  const Value* default_value = nullptr;
  const Checks* checks = nullptr;
  std::span<const Rule> rules;

  const Node* property(std::string_view name) const;
};

class Schema {
 public:
  // `open_api_v3_schema` may go afterwards.
  static Result<std::unique_ptr<const Schema>> parse(const Value& open_api_v3_schema);

  const Node& root() const { return *root_; }
  std::size_t bytes() const { return arena_.bytes_used(); }

 private:
  friend class SchemaParser;
  Arena arena_{4096};
  std::vector<std::unique_ptr<const Pattern>> patterns_;
  const Node* root_ = nullptr;
};

// "object", "integer"; "" for kAny.
std::string_view type_name(Type type);

}  // namespace pinnace::api::structural
