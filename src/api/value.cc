#include "api/value.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "api/member_index.h"
#include "base/assert.h"

namespace pinnace::api {

namespace {

constexpr std::size_t kLargestBlockBytes = 256 * 1024;
constexpr std::uint32_t kFirstCapacityLog2 = 2;

}  // namespace

Arena::Arena(std::size_t first_block_bytes) : first_block_bytes_(first_block_bytes) {}

Arena::~Arena() {
  while (blocks_ != nullptr) std::free(std::exchange(blocks_, blocks_->next));
}

Arena::Arena(Arena&& other) noexcept
    : blocks_(std::exchange(other.blocks_, nullptr)),
      used_(std::exchange(other.used_, 0)),
      first_block_bytes_(other.first_block_bytes_) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(blocks_, other.blocks_);
  std::swap(used_, other.used_);
  std::swap(first_block_bytes_, other.first_block_bytes_);
  return *this;
}

void* Arena::allocate_block(std::size_t bytes) {
  used_ += bytes;
  std::size_t capacity = first_block_bytes_;
  if (blocks_ != nullptr) capacity = std::min(blocks_->capacity * 2, kLargestBlockBytes);
  capacity = std::max(capacity, bytes);
  // What needs a block of its own goes behind the newest one, whose room stays in use.
  auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + capacity));
  if (block == nullptr) throw std::bad_alloc();
  *block = {blocks_, capacity, bytes};
  const bool oversized = blocks_ != nullptr && bytes > kLargestBlockBytes;
  if (oversized) {
    block->next = blocks_->next;
    blocks_->next = block;
  } else {
    blocks_ = block;
  }
  return block->data();
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {"", 0};
  char* data = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(data, text.data(), text.size());
  return {data, text.size()};
}

void Arena::reset() {
  used_ = 0;
  if (blocks_ == nullptr) return;
  while (blocks_->next != nullptr) std::free(std::exchange(blocks_, blocks_->next));
  blocks_->used = 0;
}

Value Value::boolean(bool value) {
  Value result = of(Type::kBool);
  result.bool_ = value;
  return result;
}

Value Value::integer(std::int64_t value) {
  Value result = of(Type::kInt);
  result.int_ = value;
  return result;
}

Value Value::number(double value) {
  Value result = of(Type::kDouble);
  result.double_ = value;
  return result;
}

Value Value::string_ref(std::string_view text) {
  PINNACE_ASSERT(text.size() <= UINT32_MAX);
  Value result = of(Type::kString);
  result.size_ = static_cast<std::uint32_t>(text.size());
  result.text_ = text.data();
  return result;
}

Value Value::object(Arena& arena, std::span<const Member> members) {
  Value made = object();
  made.reserve_entries(arena, members.size());
  std::ranges::copy(members, made.members_);
  made.size_ = static_cast<std::uint32_t>(members.size());
  return made;
}

bool Value::as_bool() const {
  PINNACE_ASSERT(type_ == Type::kBool);
  return bool_;
}

std::int64_t Value::as_int() const {
  PINNACE_ASSERT(type_ == Type::kInt);
  return int_;
}

double Value::as_double() const {
  PINNACE_ASSERT(is_number());
  return type_ == Type::kInt ? static_cast<double>(int_) : double_;
}

std::string_view Value::as_string() const {
  PINNACE_ASSERT(type_ == Type::kString);
  return {text_, size_};
}

std::size_t Value::size() const { return is_array() || is_object() ? size_ : 0; }

void Value::grow(Arena& arena, std::uint32_t wanted, std::size_t entry_bytes) {
  const std::uint64_t rounded =
      std::max(std::bit_ceil(std::uint64_t{wanted}), std::uint64_t{1} << kFirstCapacityLog2);
  // A tree's small lists and objects often have one entry: no room is kept for what never comes.
  const std::uint64_t next_capacity = wanted == 1 ? 1 : rounded;
  void* memory = arena.allocate(next_capacity * entry_bytes, 8);
  if (size_ != 0) std::memcpy(memory, pointer_, size_ * entry_bytes);
  pointer_ = memory;
  capacity_log2_ = static_cast<std::uint8_t>(std::countr_zero(next_capacity));
}

void Value::reserve_entries(Arena& arena, std::size_t count) {
  PINNACE_ASSERT(is_array() || is_object());
  PINNACE_ASSERT(count <= UINT32_MAX);
  if (count == 0) return;
  reserve(arena, static_cast<std::uint32_t>(count), is_array() ? sizeof(Value) : sizeof(Member));
}

std::span<Value> Value::items() {
  if (is_null()) return {};
  PINNACE_ASSERT(is_array());
  return {items_, size_};
}

std::span<const Value> Value::items() const {
  if (is_null()) return {};
  PINNACE_ASSERT(is_array());
  return {items_, size_};
}

Value& Value::append(Arena& arena, Value item) {
  PINNACE_ASSERT(is_array() && size_ != UINT32_MAX);
  reserve(arena, size_ + 1, sizeof(Value));
  items_[size_] = item;
  return items_[size_++];
}

void Value::remove_item(std::size_t index) {
  PINNACE_ASSERT(is_array() && index < size_);
  std::copy(items_ + index + 1, items_ + size_, items_ + index);
  --size_;
}

void Value::keep_first(std::size_t count) {
  PINNACE_ASSERT((is_array() || is_object()) && count <= size_);
  size_ = static_cast<std::uint32_t>(count);
}

void Value::insert_item(Arena& arena, std::size_t index, Value item) {
  PINNACE_ASSERT(is_array() && index <= size_ && size_ != UINT32_MAX);
  reserve(arena, size_ + 1, sizeof(Value));
  std::copy_backward(items_ + index, items_ + size_, items_ + size_ + 1);
  items_[index] = item;
  ++size_;
}

std::span<Member> Value::members() {
  if (is_null()) return {};
  PINNACE_ASSERT(is_object());
  return {members_, size_};
}

std::span<const Member> Value::members() const {
  if (is_null()) return {};
  PINNACE_ASSERT(is_object());
  return {members_, size_};
}

Value* Value::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

const Value* Value::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  const char first = key.empty() ? '\0' : key.front();
  for (std::uint32_t i = 0; i < size_; ++i) {
    const std::string_view other = members_[i].key;
    // Most that are as long begin otherwise, which a call to compare them would be late to say.
    if (other.size() != key.size() || (!key.empty() && other.front() != first)) continue;
    if (other == key) return &members_[i].value;
  }
  return nullptr;
}

Value* Value::find_path(std::initializer_list<std::string_view> path) {
  return const_cast<Value*>(std::as_const(*this).find_path(path));
}

const Value* Value::find_path(std::initializer_list<std::string_view> path) const {
  const Value* at = this;
  for (std::string_view key : path) {
    at = at->find(key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

Value& Value::set(Arena& arena, std::string_view key, Value value) {
  if (Value* present = find(key)) return *present = value;
  return add_ref(arena, arena.copy(key), value);
}

Value& Value::set_ref(Arena& arena, std::string_view key, Value value) {
  if (Value* present = find(key)) return *present = value;
  return add_ref(arena, key, value);
}

Value& Value::add_ref(Arena& arena, std::string_view key, Value value) {
  if (is_null()) *this = object();
  PINNACE_ASSERT(is_object() && size_ != UINT32_MAX);
  reserve(arena, size_ + 1, sizeof(Member));
  members_[size_] = {key, value};
  return members_[size_++].value;
}

Value& Value::ensure_object(Arena& arena, std::string_view key) {
  Value* present = find(key);
  if (present != nullptr && present->is_object()) return *present;
  return set(arena, key, object());
}

bool Value::erase(std::string_view key) {
  if (!is_object()) return false;
  for (std::uint32_t i = 0; i < size_; ++i) {
    if (members_[i].key != key) continue;
    std::copy(members_ + i + 1, members_ + size_, members_ + i);
    --size_;
    return true;
  }
  return false;
}

std::string_view Value::string_at(std::string_view key) const {
  const Value* value = find(key);
  return value != nullptr && value->is_string() ? value->as_string() : std::string_view();
}

std::int64_t Value::int_at(std::string_view key, std::int64_t fallback) const {
  const Value* value = find(key);
  return value != nullptr && value->is_int() ? value->as_int() : fallback;
}

bool Value::bool_at(std::string_view key, bool fallback) const {
  const Value* value = find(key);
  return value != nullptr && value->is_bool() ? value->as_bool() : fallback;
}

Value Value::copy(Arena& arena, bool with_strings) const {
  switch (type_) {
    case Type::kString:
      return with_strings ? string(arena, as_string()) : *this;
    case Type::kArray: {
      Value copy = array();
      copy.reserve_entries(arena, size_);
      for (const Value& item : items()) copy.items_[copy.size_++] = item.copy(arena, with_strings);
      return copy;
    }
    case Type::kObject: {
      Value copy = object();
      copy.reserve_entries(arena, size_);
      for (const auto& [key, value] : members()) {
        copy.members_[copy.size_++] = {with_strings ? arena.copy(key) : key,
                                       value.copy(arena, with_strings)};
      }
      return copy;
    }
    default:
      return *this;
  }
}

Value deep_copy(Arena& arena, const Value& value) { return value.copy(arena, true); }

Value copy_nodes(Arena& arena, const Value& value) { return value.copy(arena, false); }

namespace {

bool equal_numbers(const Value& a, const Value& b) {
  if (a.is_int() && b.is_int()) return a.as_int() == b.as_int();
  return a.as_double() == b.as_double();
}

bool equal_objects(const Value& a, const Value& b) {
  if (a.size() != b.size()) return false;
  const std::span<const Member> theirs = b.members();
  std::optional<MemberIndex> index;
  std::size_t place = 0;
  for (const Member& member : a.members()) {
    // Trees that were made the same way have their members in the same places.
    const Value* other = theirs[place].key == member.key ? &theirs[place].value : nullptr;
    if (other == nullptr) {
      if (!index) index.emplace(b);
      other = index->find(member.key);
    }
    if (other == nullptr || !equal(member.value, *other)) return false;
    ++place;
  }
  return true;
}

}  // namespace

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return equal_numbers(a, b);
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case Value::Type::kBool:
      return a.as_bool() == b.as_bool();
    case Value::Type::kString:
      return a.as_string() == b.as_string();
    case Value::Type::kArray:
      return std::ranges::equal(a.items(), b.items(), equal);
    case Value::Type::kObject:
      return equal_objects(a, b);
    default:
      return true;
  }
}

}  // namespace pinnace::api
