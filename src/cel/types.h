// Type says what an expression's value may be: what variables are declared with, what the checker
// derives, and what tells the evaluator how to read a member of an api::Value.
//
// Lifetime: the simple types below live forever; composed ones belong to a TypePool, which must
//   outlive every Environment and Program that was made with them.
// Threads: immutable once made.
// Source: the CEL language definition, "Gradual type checking".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/value.h"

namespace pinnace::cel {

enum class TypeKind : std::uint8_t {
  kError,  // Stands where checking failed, so that one mistake is told once.
  kDyn,    // Anything: checked at run time. Named "any" where it cannot be iterated.
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kDuration,
  kTimestamp,
  kType,       // A type as a value; parameters[0] where it is known which.
  kList,       // parameters[0]: its items
  kMap,        // parameters[0] and [1]: its keys and values
  kObject,     // A struct with named fields.
  kOpaque,     // What only functions look into: URL, IP, optional_type.
  kParameter,  // A type variable of a function's declaration or of the checker.
};

// Sizes that no schema bounds.
inline constexpr std::uint64_t kUnbounded = UINT64_MAX;

// What x-kubernetes-list-type says: lists of kind set and map are equal whatever the order of their
// items, and `+` joins them by item or by the items' keys.
enum class ListKind : std::uint8_t { kAtomic, kSet, kMap };

struct Type;

struct Field {
  std::string_view name;       // As expressions write it: `x__dash__y`.
  std::string_view json_name;  // As the object holds it: `x-y`.
  const Type* type;
};

struct Type {
  TypeKind kind = TypeKind::kDyn;
  std::string_view name;  // Of objects, opaque types, parameters and `any`.
  std::span<const Type* const> parameters = {};
  std::span<const Field> fields = {};  // Of objects, sorted by name.
  ListKind list_kind = ListKind::kAtomic;
  std::span<const std::string_view> list_keys = {};  // Of kMap: names of the items' fields.
  bool any_field = false;  // An object whose fields are not known: all are dyn.
  // Characters of a string, bytes, items or members: what cost estimates count with.
  std::uint64_t max_elements = kUnbounded;
  // The fewest bytes that a value takes in JSON.
  std::uint64_t min_json_bytes = 0;

  const Field* field(std::string_view field_name) const;
  bool is_dyn() const { return kind == TypeKind::kDyn; }
  bool is_any() const { return is_dyn() && !name.empty(); }
  bool is_optional() const { return kind == TypeKind::kOpaque && name == "optional_type"; }
};

extern const Type kErrorType, kDynType, kNullType, kBoolType, kIntType, kUintType, kDoubleType,
    kStringType, kBytesType, kDurationType, kTimestampType, kTypeType, kDynListType, kDynMapType;

// Owns composed types and their names.
class TypePool {
 public:
  TypePool();
  TypePool(TypePool&&) noexcept;
  TypePool& operator=(TypePool&&) noexcept;
  ~TypePool();

  const Type* list(const Type* item, std::uint64_t max_items = kUnbounded);
  const Type* list(const Type* item, std::uint64_t max_items, ListKind kind,
                   const std::vector<std::string_view>& keys);
  const Type* map(const Type* key, const Type* value, std::uint64_t max_members = kUnbounded);
  const Type* optional(const Type* value);
  const Type* type_of(const Type* type);
  const Type* opaque(std::string_view name, std::initializer_list<const Type*> parameters = {});
  // A copy of a simple type that has bounds.
  const Type* bounded(const Type& simple, std::uint64_t max_elements, std::uint64_t min_json_bytes);
  // An object. `define` gives it its fields afterwards, so that a type may contain itself.
  Type* object(std::string_view name);
  void define(Type* object, std::vector<Field> fields);
  // An object that may have any field, such as `Object.spec` of a mutating admission policy.
  const Type* open_object(std::string_view name);
  const Type* parameter(std::string_view name);
  const Type* composed(const Type& like, std::span<const Type* const> parameters);
  std::string_view copy(std::string_view text);
  // Copies of plain items that live as long as the types.
  template <typename T>
  std::span<T> keep_all(const std::vector<T>& items) {
    T* kept = static_cast<T*>(arena_->allocate(items.size() * sizeof(T), alignof(T)));
    std::uninitialized_copy(items.begin(), items.end(), kept);
    return {kept, items.size()};
  }

 private:
  Type* add(Type type);
  std::span<const Type* const> keep(std::span<const Type* const> parameters);

  std::unique_ptr<api::Arena> arena_;
};

// As error messages write it: "list(int)", "map(string, dyn)", "wrapper".
std::string to_text(const Type& type);
// The name that type() compares: parameters are not part of it.
std::string_view runtime_name(const Type& type);
// The same type, whatever its bounds.
bool same_type(const Type& a, const Type& b);
// The same but for the names of type variables.
bool equivalent_type(const Type& a, const Type& b);

// Property names that are no identifiers are written with escapes: "a-b" as "a__dash__b",
// "namespace" as "__namespace__". Nothing for names that cannot be written ("$ref", "9x").
std::string escape_field(std::string_view name);
// The inverse; "" for text that is not what `escape_field` gives.
std::string unescape_field(std::string_view escaped);

}  // namespace pinnace::cel
