// Value is one node of a JSON-like tree that lives in an Arena: what a request body becomes, what
// defaults, patches and validation work on, and what is written out again.
//
// Shape: 16 bytes, trivially copyable. Copying a Value copies the node, not what is below it: both
//   copies then share children until one of them grows. Use `deep_copy` or `copy_nodes` to part
//   them.
// Ownership: strings and children belong to the Arena (or to memory that outlives it); a Value
//   must not outlive its Arena.
// Errors: reading a value as a type that it is not breaks an invariant; ask `type()` first, or use
//   the forms that return an optional or a default.
// Bounds: an object or array holds at most 2^32-1 entries. Lookup in an object is linear.
// Threads: none of its own; share only what no thread changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pinnace::api {

// Memory that is handed out in pieces and freed all at once.
class Arena {
 public:
  explicit Arena(std::size_t first_block_bytes = 4096);
  ~Arena();
  Arena(Arena&&) noexcept;
  Arena& operator=(Arena&&) noexcept;

  void* allocate(std::size_t bytes, std::size_t alignment = 8) {
    if (blocks_ == nullptr) return allocate_block(bytes);
    const std::size_t start = (blocks_->used + alignment - 1) & ~(alignment - 1);
    if (start > blocks_->capacity || bytes > blocks_->capacity - start) {
      return allocate_block(bytes);
    }
    blocks_->used = start + bytes;
    used_ += bytes;
    return blocks_->data() + start;
  }
  std::string_view copy(std::string_view text);
  std::size_t bytes_used() const { return used_; }
  // Forgets everything that was handed out, keeping the first block for reuse.
  void reset();

 private:
  // Its memory follows, aligned for anything.
  struct alignas(std::max_align_t) Block {
    Block* next;
    std::size_t capacity;
    std::size_t used;
    char* data() { return reinterpret_cast<char*>(this + 1); }
  };
  void* allocate_block(std::size_t bytes);

  Block* blocks_ = nullptr;  // Newest first.
  std::size_t used_ = 0;
  std::size_t first_block_bytes_;
};

struct Member;

class Value {
 public:
  enum class Type : std::uint8_t { kNull, kBool, kInt, kDouble, kString, kArray, kObject };

  Value() = default;
  static Value null() { return {}; }
  static Value boolean(bool value);
  static Value integer(std::int64_t value);
  static Value number(double value);
  // Refers to `text`, which must outlive the tree; `Value::string(arena, text)` copies it.
  static Value string_ref(std::string_view text);
  static Value string(Arena& arena, std::string_view text) { return string_ref(arena.copy(text)); }
  static Value array() { return of(Type::kArray); }
  static Value object() { return of(Type::kObject); }
  // With these members, of which no two have the same key.
  static Value object(Arena& arena, std::span<const Member> members);

  Type type() const { return type_; }
  bool is_null() const { return type_ == Type::kNull; }
  bool is_bool() const { return type_ == Type::kBool; }
  bool is_int() const { return type_ == Type::kInt; }
  bool is_number() const { return type_ == Type::kInt || type_ == Type::kDouble; }
  bool is_string() const { return type_ == Type::kString; }
  bool is_array() const { return type_ == Type::kArray; }
  bool is_object() const { return type_ == Type::kObject; }

  bool as_bool() const;
  std::int64_t as_int() const;
  double as_double() const;  // of an integer too
  std::string_view as_string() const;

  // Entries of an array or members of an object; 0 for the rest.
  std::size_t size() const;
  bool empty() const { return size() == 0; }
  // Makes room for `count` entries of an array or object at once. For parsers and copiers.
  void reserve_entries(Arena& arena, std::size_t count);

  // Arrays; null has no items, as in Go.
  std::span<Value> items();
  std::span<const Value> items() const;
  Value& append(Arena& arena, Value item);
  void remove_item(std::size_t index);
  // Drops the entries or members after the first `count`.
  void keep_first(std::size_t count);
  void insert_item(Arena& arena, std::size_t index, Value item);

  // Objects. Members keep the order in which they came.
  std::span<Member> members();  // Null has none.
  std::span<const Member> members() const;
  // The member's value, or nullptr; nullptr also when this is no object.
  Value* find(std::string_view key);
  const Value* find(std::string_view key) const;
  // Down through nested objects; nullptr where the path ends early.
  Value* find_path(std::initializer_list<std::string_view> path);
  const Value* find_path(std::initializer_list<std::string_view> path) const;
  // Sets or adds a member; the key is copied into the arena when it is new. A null Value becomes
  // an object first.
  Value& set(Arena& arena, std::string_view key, Value value);
  // As `set`, but the key must outlive the arena (a literal, or a schema's name).
  Value& set_ref(Arena& arena, std::string_view key, Value value);
  // Adds without looking for an earlier member of the same key. For parsers.
  Value& add_ref(Arena& arena, std::string_view key, Value value);
  // The member as an object, made if it is not there (or is null).
  Value& ensure_object(Arena& arena, std::string_view key);
  bool erase(std::string_view key);

  // Convenience for reading: "" / the fallback where the member is missing or of another type.
  std::string_view string_at(std::string_view key) const;
  std::int64_t int_at(std::string_view key, std::int64_t fallback = 0) const;
  bool bool_at(std::string_view key, bool fallback = false) const;

 private:
  static Value of(Type type) {
    Value value;
    value.type_ = type;
    return value;
  }
  friend Value deep_copy(Arena& arena, const Value& value);
  friend Value copy_nodes(Arena& arena, const Value& value);
  Value copy(Arena& arena, bool with_strings) const;
  void reserve(Arena& arena, std::uint32_t wanted, std::size_t entry_bytes) {
    const std::uint64_t capacity = pointer_ == nullptr ? 0 : std::uint64_t{1} << capacity_log2_;
    if (wanted > capacity) grow(arena, wanted, entry_bytes);
  }
  void grow(Arena& arena, std::uint32_t wanted, std::size_t entry_bytes);

  Type type_ = Type::kNull;
  std::uint8_t capacity_log2_ = 0;  // Room for 2^n entries once `pointer` is set.
  std::uint32_t size_ = 0;          // Bytes of a string, entries of an array or object.
  union {
    bool bool_;
    std::int64_t int_;
    double double_;
    const char* text_;
    Value* items_;
    Member* members_;
    void* pointer_ = nullptr;
  };
};
static_assert(sizeof(Value) == 16);

struct Member {
  std::string_view key;
  Value value;
};

// A copy that shares nothing with the original: strings and keys are copied too.
Value deep_copy(Arena& arena, const Value& value);
// A copy that can be changed without the original, but shares its strings and keys: for trees of
// one arena, or of one that outlives this.
Value copy_nodes(Arena& arena, const Value& value);
// Equal as JSON: member order does not matter, 1 equals 1.0.
bool equal(const Value& a, const Value& b);

}  // namespace pinnace::api
