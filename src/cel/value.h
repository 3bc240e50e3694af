// Value is what an expression works on: 32 bytes, trivially copyable, in an Arena or lent.
//
// Shape: an api::Value is not converted but wrapped; its members are read, as the declared type
//   says, when an expression selects them. A text of format date-time is then a timestamp.
// Ownership: refers to its Arena, to the api::Value that it wraps, and to its Type.
// Errors: a failed evaluation is a Value of kind kError; functions hand errors through.
// Threads: none of its own.
// Source: the CEL language definition, "Values".
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "api/value.h"
#include "base/error.h"
#include "cel/types.h"

namespace pinnace::cel {

enum class Kind : std::uint8_t {
  kError,
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kDuration,
  kTimestamp,
  kType,
  kOptional,
  kList,
  kMap,
  kObject,
  kOpaque,
};

class Value;
struct MapEntry;
struct MapData;

// What evaluations take memory from. Also remembers where the keys of large JSON objects are, so
// that looking up every key of one stays linear.
// Lifetime: of what was evaluated with it; JSON that was wrapped must live as long,
//   unchanged.
// Threads: one at a time.
class Workspace {
 public:
  explicit Workspace(std::size_t first_block_bytes = 4096);
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

  api::Arena& arena() { return arena_; }
  std::string_view copy(std::string_view text) { return arena_.copy(text); }
  // Room for `count` of a type that needs no destructor.
  template <typename T>
  T* allocate(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return static_cast<T*>(arena_.allocate(count * sizeof(T), alignof(T)));
  }
  template <typename T, typename... Arguments>
  T* make(Arguments&&... arguments) {
    return new (allocate<T>(1)) T(std::forward<Arguments>(arguments)...);
  }
  // Values that share parts can be far larger to walk than to make. Every step of a walk is paid
  // from here; a walk ends early, with a wrong result, when nothing is left.
  void allow_steps(std::uint64_t steps) { steps_left_ = steps; }
  bool spend_step() { return steps_left_ != 0 && --steps_left_ != 0; }
  void spend_steps(std::uint64_t steps) { steps_left_ -= std::min(steps, steps_left_); }
  bool is_exhausted() const { return steps_left_ == 0; }
  // The member of an object, or nullptr.
  const api::Value* find_member(const api::Value& object, std::string_view key);

 private:
  struct Indexes;
  api::Arena arena_;
  std::uint64_t steps_left_ = UINT64_MAX;
  std::unique_ptr<Indexes> indexes_;
};

// Something that only functions look into: a URL, a quantity, an authorizer. Lives in the arena
// and is never destroyed: holds nothing but plain data and views.
class Opaque {
 public:
  virtual const Type& type() const = 0;
  // `other` is of the same type.
  virtual bool equals(const Opaque& other) const = 0;
  // What cost rules take for its size.
  virtual std::uint64_t size() const { return 1; }

 protected:
  ~Opaque() = default;
};

// An object whose fields are made when they are asked for, such as `variables` of a policy.
class LazyObject {
 public:
  virtual ~LazyObject() = default;
  virtual bool has(std::string_view field) const = 0;
  virtual Value get(std::string_view field) = 0;
};

class Value {
 public:
  Value() = default;  // null
  static Value null() { return {}; }
  static Value boolean(bool value);
  static Value integer(std::int64_t value);
  static Value uint(std::uint64_t value);
  static Value number(double value);
  static Value string(std::string_view text);  // lent
  static Value bytes(std::string_view bytes);  // lent
  static Value duration(std::int64_t nanoseconds);
  static Value timestamp(std::int64_t seconds, std::uint32_t nanoseconds);
  static Value type(const Type& type);
  // Lent. `like`: a declared list whose kind it has.
  static Value list(std::span<const Value> items, const Type* like = nullptr);
  static Value map(const MapData& data);  // lent
  static Value object(const Type& type, const MapData& fields);
  static Value lazy(const Type& type, LazyObject& object);
  static Value opaque(const Opaque& object);
  static Value none();
  static Value optional(Workspace& space, Value value);
  static Value error(Workspace& space, std::string_view message);
  static Value error(std::string_view message);  // lent
  // Wraps JSON that is of a declared type. What is not of that type becomes an error.
  static Value json(Workspace& space, const api::Value& value, const Type& type = kDynType);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_error() const { return kind_ == Kind::kError; }
  bool is_true() const { return kind_ == Kind::kBool && bool_; }
  bool is_false() const { return kind_ == Kind::kBool && !bool_; }
  bool is_number() const { return kind_ >= Kind::kInt && kind_ <= Kind::kDouble; }

  bool as_bool() const { return bool_; }
  std::int64_t as_int() const { return int_; }
  std::uint64_t as_uint() const { return uint_; }
  double as_double() const { return double_; }
  std::string_view as_text() const { return {text_, size_}; }  // string, bytes, error
  std::int64_t as_duration() const { return int_; }
  std::int64_t as_seconds() const { return int_; }
  std::uint32_t as_nanoseconds() const { return nanoseconds_; }
  const Type& as_type() const { return *type_; }
  const Opaque& as_opaque() const { return *opaque_; }
  // Of an optional: nullptr for none.
  const Value* as_optional() const { return items_; }
  std::string_view error_message() const { return as_text(); }

  // Lists.
  std::size_t list_size() const;
  Value item(Workspace& space, std::size_t index) const;
  // How its items belong together: atomic, unless its JSON is declared otherwise.
  ListKind list_kind() const { return type_ != nullptr ? type_->list_kind : ListKind::kAtomic; }
  const Type& declared_type() const { return *type_; }  // Of lists that have a kind.

  // Maps and objects. `get` gives nothing (false) where there is no such key.
  std::size_t map_size() const;
  bool get(Workspace& space, const Value& key, Value* out) const;
  bool has(Workspace& space, const Value& key) const;
  Value key(std::size_t index) const;
  Value value(Workspace& space, std::size_t index) const;
  // Objects, by the name that expressions use.
  bool get_field(Workspace& space, std::string_view name, Value* out) const;

  // The type at run time, as type() gives it.
  const Type& runtime_type() const;
  // The JSON that is wrapped, if this is one and no more.
  const api::Value* wrapped() const { return form_ == Form::kJson ? json_ : nullptr; }

 private:
  enum class Form : std::uint8_t { kNative, kJson, kLazy };
  const Type& item_type() const;

  Kind kind_ = Kind::kNull;
  Form form_ = Form::kNative;
  std::uint32_t nanoseconds_ = 0;
  union {
    bool bool_;
    std::int64_t int_ = 0;
    std::uint64_t uint_;
    double double_;
    const char* text_;
    const Value* items_;
    const MapData* map_;
    const Opaque* opaque_;
    LazyObject* lazy_;
    const api::Value* json_;
  };
  std::size_t size_ = 0;
  const Type* type_ = nullptr;
};

struct MapEntry {
  Value key, value;
};

// Entries in the order in which they came, with an index by key when there are many.
struct MapData {
  const MapEntry* entries = nullptr;
  std::uint32_t size = 0;
  std::uint32_t bucket_mask = 0;
  const std::uint32_t* buckets = nullptr;  // Places plus one; 0: empty. nullptr: search in line.

  const MapEntry* find(const Value& key) const;
};

// Collects the entries of a map; a key that was there already is told.
class MapBuilder {
 public:
  MapBuilder(Workspace& space, std::size_t expected);
  // False when the key was there.
  bool add(const Value& key, const Value& value);
  // The last value of a key is its.
  void put(const Value& key, const Value& value);
  const MapData* finish();
  // What is there so far.
  const MapData& view() const { return *data_; }
  std::size_t size() const { return data_->size; }

 private:
  void grow();
  void rebuild_index();

  Workspace& space_;
  MapData* data_;
  std::uint32_t capacity_;
  std::uint32_t* buckets_ = nullptr;
};

// CEL's equality: numbers by value whatever their type, other types never equal.
bool equal(Workspace& space, const Value& a, const Value& b);
// As JSON, the way that Kubernetes writes a result: timestamps and durations as texts. An error for
// what has no JSON (types, opaque values, maps with other keys than texts).
Result<api::Value> to_json(Workspace& space, const Value& value);

}  // namespace pinnace::cel
