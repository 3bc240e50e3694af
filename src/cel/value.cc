#include "cel/value.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "api/member_index.h"
#include "base/strings.h"
#include "cel/internal/keyed_list.h"
#include "cel/internal/time_text.h"

namespace pinnace::cel {
namespace {

constexpr std::size_t kIndexFrom = 24;  // Members from which an index pays.

// An integral double that an int64 holds is the same key and the same number as that integer.
bool as_exact_int(double number, std::int64_t* out) {
  if (!(number >= -0x1p63 && number < 0x1p63) || number != std::trunc(number)) return false;
  *out = static_cast<std::int64_t>(number);
  return true;
}

// As doubles, as cel-go does: behind 2^53 a double equals several integers.
bool equal_int_double(std::int64_t a, double b) { return static_cast<double>(a) == b; }
bool equal_uint_double(std::uint64_t a, double b) { return static_cast<double>(a) == b; }

bool equal_numbers(const Value& a, const Value& b) {
  if (a.kind() > b.kind()) return equal_numbers(b, a);
  if (a.is(Kind::kDouble)) return a.as_double() == b.as_double();
  if (a.is(Kind::kInt)) {
    if (b.is(Kind::kInt)) return a.as_int() == b.as_int();
    if (b.is(Kind::kUint)) {
      return a.as_int() >= 0 && static_cast<std::uint64_t>(a.as_int()) == b.as_uint();
    }
    return equal_int_double(a.as_int(), b.as_double());
  }
  if (b.is(Kind::kUint)) return a.as_uint() == b.as_uint();
  return equal_uint_double(a.as_uint(), b.as_double());
}

// A double is the key of the integer that it is, not of all that are equal to it.
bool is_key_of(const Value& integer, double number) {
  if (integer.is(Kind::kUint)) {
    return number >= 0 && number < 0x1p64 && number == std::trunc(number) &&
           static_cast<std::uint64_t>(number) == integer.as_uint();
  }
  std::int64_t exact = 0;
  return as_exact_int(number, &exact) && exact == integer.as_int();
}

// Keys are texts, booleans and numbers.
bool equal_keys(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is(Kind::kDouble) == b.is(Kind::kDouble)) return equal_numbers(a, b);
    return a.is(Kind::kDouble) ? is_key_of(b, a.as_double()) : is_key_of(a, b.as_double());
  }
  if (a.kind() != b.kind()) return false;
  if (a.is(Kind::kString)) return a.as_text() == b.as_text();
  return a.is(Kind::kBool) && a.as_bool() == b.as_bool();
}

std::uint64_t hash_key(const Value& key) {
  constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15;
  if (key.is(Kind::kString)) return fnv1a_64(key.as_text()) * kMix;
  if (key.is(Kind::kBool)) return key.as_bool() ? kMix : kMix * 3;
  std::int64_t integer = 0;
  if (key.is(Kind::kDouble) && !as_exact_int(key.as_double(), &integer)) {
    return std::bit_cast<std::uint64_t>(key.as_double()) * kMix;
  }
  if (!key.is(Kind::kDouble)) integer = key.as_int();
  return static_cast<std::uint64_t>(integer) * kMix;
}

bool equal_lists(Workspace& space, const Value& a, const Value& b) {
  const std::size_t size = a.list_size();
  if (size != b.list_size()) return false;
  if (a.list_kind() != ListKind::kAtomic) return internal::equal_in_any_order(space, a, b);
  for (std::size_t i = 0; i < size; ++i) {
    if (!space.spend_step() || !equal(space, a.item(space, i), b.item(space, i))) return false;
  }
  return true;
}

// Null fields are not there for `get`.
bool are_both_null(const Value& a, const Value& b, std::size_t index) {
  if (!a.is(Kind::kObject) || a.wrapped() == nullptr || b.wrapped() == nullptr) return false;
  const api::Member& member = a.wrapped()->members()[index];
  const api::Value* other = b.wrapped()->find(member.key);
  return member.value.is_null() && other != nullptr && other->is_null();
}

bool equal_maps(Workspace& space, const Value& a, const Value& b) {
  const std::size_t size = a.map_size();
  if (size != b.map_size()) return false;
  for (std::size_t i = 0; i < size; ++i) {
    Value other;
    if (!space.spend_step()) return false;
    if (are_both_null(a, b, i)) continue;
    if (!b.get(space, a.key(i), &other) || !equal(space, a.value(space, i), other)) return false;
  }
  return true;
}

Value wrong_type(Workspace& space, const Type& type) {
  return Value::error(space, "invalid data, expected a value of type " + to_text(type));
}

}  // namespace

struct Workspace::Indexes {
  std::unordered_map<const api::Value*, api::MemberIndex> by_object;
};

Workspace::Workspace(std::size_t first_block_bytes) : arena_(first_block_bytes) {}
Workspace::~Workspace() = default;

const api::Value* Workspace::find_member(const api::Value& object, std::string_view key) {
  if (object.size() <= kIndexFrom) return object.find(key);
  if (!indexes_) indexes_ = std::make_unique<Indexes>();
  return indexes_->by_object.try_emplace(&object, object).first->second.find(key);
}

Value Value::boolean(bool value) {
  Value result;
  result.kind_ = Kind::kBool;
  result.bool_ = value;
  return result;
}

Value Value::integer(std::int64_t value) {
  Value result;
  result.kind_ = Kind::kInt;
  result.int_ = value;
  return result;
}

Value Value::uint(std::uint64_t value) {
  Value result;
  result.kind_ = Kind::kUint;
  result.uint_ = value;
  return result;
}

Value Value::number(double value) {
  Value result;
  result.kind_ = Kind::kDouble;
  result.double_ = value;
  return result;
}

Value Value::string(std::string_view text) {
  Value result;
  result.kind_ = Kind::kString;
  result.text_ = text.data();
  result.size_ = text.size();
  return result;
}

Value Value::bytes(std::string_view bytes) {
  Value result = string(bytes);
  result.kind_ = Kind::kBytes;
  return result;
}

Value Value::duration(std::int64_t nanoseconds) {
  Value result = integer(nanoseconds);
  result.kind_ = Kind::kDuration;
  return result;
}

Value Value::timestamp(std::int64_t seconds, std::uint32_t nanoseconds) {
  Value result = integer(seconds);
  result.kind_ = Kind::kTimestamp;
  result.nanoseconds_ = nanoseconds;
  return result;
}

Value Value::type(const Type& type) {
  Value result;
  result.kind_ = Kind::kType;
  result.type_ = &type;
  return result;
}

Value Value::list(std::span<const Value> items, const Type* like) {
  Value result;
  result.kind_ = Kind::kList;
  result.items_ = items.data();
  result.size_ = items.size();
  result.type_ = like;
  return result;
}

Value Value::map(const MapData& data) {
  Value result;
  result.kind_ = Kind::kMap;
  result.map_ = &data;
  return result;
}

Value Value::object(const Type& type, const MapData& fields) {
  Value result = map(fields);
  result.kind_ = Kind::kObject;
  result.type_ = &type;
  return result;
}

Value Value::lazy(const Type& type, LazyObject& object) {
  Value result;
  result.kind_ = Kind::kObject;
  result.form_ = Form::kLazy;
  result.lazy_ = &object;
  result.type_ = &type;
  return result;
}

Value Value::opaque(const Opaque& object) {
  Value result;
  result.kind_ = Kind::kOpaque;
  result.opaque_ = &object;
  return result;
}

Value Value::none() {
  Value result;
  result.kind_ = Kind::kOptional;
  result.items_ = nullptr;
  return result;
}

Value Value::optional(Workspace& space, Value value) {
  Value result = none();
  result.items_ = space.make<Value>(value);
  return result;
}

Value Value::error(Workspace& space, std::string_view message) {
  return error(space.copy(message));
}

Value Value::error(std::string_view message) {
  Value result = string(message);
  result.kind_ = Kind::kError;
  return result;
}

namespace {

Value json_text(Workspace& space, std::string_view text, const Type& type) {
  switch (type.kind) {
    case TypeKind::kDyn:
    case TypeKind::kString:
      return Value::string(text);
    case TypeKind::kBytes: {
      const auto bytes = base64_decode(text);
      return bytes ? Value::bytes(space.copy(*bytes))
                   : Value::error("failed to decode base64 data");
    }
    case TypeKind::kTimestamp:
      return internal::parse_timestamp(space, text);
    case TypeKind::kDuration:
      return internal::parse_duration_text(space, text);
    default:
      return wrong_type(space, type);
  }
}

}  // namespace

Value Value::json(Workspace& space, const api::Value& value, const Type& type) {
  const TypeKind wanted = type.kind;
  const bool any = wanted == TypeKind::kDyn;
  Value result;
  switch (value.type()) {
    case api::Value::Type::kNull:
      return {};
    case api::Value::Type::kBool:
      return any || wanted == TypeKind::kBool ? boolean(value.as_bool()) : wrong_type(space, type);
    case api::Value::Type::kInt:
      if (wanted == TypeKind::kDouble) return number(value.as_double());
      if (wanted == TypeKind::kUint && value.as_int() >= 0) {
        return uint(static_cast<std::uint64_t>(value.as_int()));
      }
      return any || wanted == TypeKind::kInt ? integer(value.as_int()) : wrong_type(space, type);
    case api::Value::Type::kDouble: {
      std::int64_t integral = 0;
      if (wanted == TypeKind::kInt && as_exact_int(value.as_double(), &integral)) {
        return integer(integral);
      }
      return any || wanted == TypeKind::kDouble ? number(value.as_double())
                                                : wrong_type(space, type);
    }
    case api::Value::Type::kString:
      return json_text(space, value.as_string(), type);
    case api::Value::Type::kArray:
      if (!any && wanted != TypeKind::kList) return wrong_type(space, type);
      result.kind_ = Kind::kList;
      break;
    case api::Value::Type::kObject:
      if (!any && wanted != TypeKind::kMap && wanted != TypeKind::kObject) {
        return wrong_type(space, type);
      }
      result.kind_ = wanted == TypeKind::kObject ? Kind::kObject : Kind::kMap;
      break;
  }
  result.form_ = Form::kJson;
  result.json_ = &value;
  result.type_ = &type;
  return result;
}

std::size_t Value::list_size() const { return form_ == Form::kJson ? json_->size() : size_; }

// Of a wrapped list or map.
const Type& Value::item_type() const {
  return type_->parameters.empty() ? kDynType : *type_->parameters.back();
}

Value Value::item(Workspace& space, std::size_t index) const {
  if (form_ == Form::kNative) return items_[index];
  return json(space, json_->items()[index], item_type());
}

std::size_t Value::map_size() const {
  if (form_ == Form::kJson) return json_->size();
  return form_ == Form::kNative ? map_->size : 0;
}

bool Value::get(Workspace& space, const Value& key, Value* out) const {
  if (kind_ == Kind::kObject) {
    return key.is(Kind::kString) && get_field(space, key.as_text(), out);
  }
  if (form_ == Form::kNative) {
    const MapEntry* entry = map_->find(key);
    if (entry != nullptr) *out = entry->value;
    return entry != nullptr;
  }
  if (!key.is(Kind::kString)) return false;
  const api::Value* found = space.find_member(*json_, key.as_text());
  if (found == nullptr) return false;
  *out = json(space, *found, item_type());
  return true;
}

bool Value::has(Workspace& space, const Value& key) const {
  if (kind_ == Kind::kObject && form_ == Form::kLazy) return lazy_->has(key.as_text());
  if (kind_ == Kind::kMap && form_ == Form::kNative) return map_->find(key) != nullptr;
  Value ignored;
  return get(space, key, &ignored);
}

bool Value::get_field(Workspace& space, std::string_view name, Value* out) const {
  if (form_ == Form::kLazy) {
    if (!lazy_->has(name)) return false;
    *out = lazy_->get(name);
    return true;
  }
  if (form_ == Form::kNative) {
    const MapEntry* entry = map_->find(string(name));
    if (entry != nullptr) *out = entry->value;
    return entry != nullptr;
  }
  const Field* field = type_->field(name);
  if (field == nullptr && !type_->any_field) return false;
  const api::Value* found = space.find_member(*json_, field != nullptr ? field->json_name : name);
  // As Kubernetes has it, a field of an object is not there when it is null.
  if (found == nullptr || (found->is_null() && field != nullptr)) return false;
  *out = json(space, *found, field != nullptr ? *field->type : kDynType);
  return true;
}

Value Value::key(std::size_t index) const {
  if (form_ == Form::kNative) return map_->entries[index].key;
  const std::string_view name = json_->members()[index].key;
  if (kind_ == Kind::kObject) {
    for (const Field& field : type_->fields) {
      if (field.json_name == name) return string(field.name);
    }
  }
  return string(name);
}

Value Value::value(Workspace& space, std::size_t index) const {
  if (form_ == Form::kNative) return map_->entries[index].value;
  const api::Member& member = json_->members()[index];
  if (kind_ != Kind::kObject) return json(space, member.value, item_type());
  for (const Field& field : type_->fields) {
    if (field.json_name == member.key) return json(space, member.value, *field.type);
  }
  return json(space, member.value);
}

const Type& Value::runtime_type() const {
  switch (kind_) {
    case Kind::kError:
      return kErrorType;
    case Kind::kNull:
      return kNullType;
    case Kind::kBool:
      return kBoolType;
    case Kind::kInt:
      return kIntType;
    case Kind::kUint:
      return kUintType;
    case Kind::kDouble:
      return kDoubleType;
    case Kind::kString:
      return kStringType;
    case Kind::kBytes:
      return kBytesType;
    case Kind::kDuration:
      return kDurationType;
    case Kind::kTimestamp:
      return kTimestampType;
    case Kind::kType:
      return kTypeType;
    case Kind::kOptional: {
      static const Type kOptional{.kind = TypeKind::kOpaque, .name = "optional_type"};
      return kOptional;
    }
    case Kind::kList:
      return kDynListType;
    case Kind::kMap:
      return kDynMapType;
    case Kind::kObject:
      return *type_;
    case Kind::kOpaque:
      return opaque_->type();
  }
  return kErrorType;
}

const MapEntry* MapData::find(const Value& key) const {
  if (buckets == nullptr) {
    for (std::uint32_t i = 0; i < size; ++i) {
      if (equal_keys(entries[i].key, key)) return entries + i;
    }
    return nullptr;
  }
  for (auto at = static_cast<std::uint32_t>(hash_key(key) >> 32) & bucket_mask; buckets[at] != 0;
       at = (at + 1) & bucket_mask) {
    const MapEntry& entry = entries[buckets[at] - 1];
    if (equal_keys(entry.key, key)) return &entry;
  }
  return nullptr;
}

MapBuilder::MapBuilder(Workspace& space, std::size_t expected)
    : space_(space),
      data_(space.make<MapData>()),
      capacity_(std::max<std::uint32_t>(static_cast<std::uint32_t>(expected), 4)) {
  data_->entries = space.allocate<MapEntry>(capacity_);
  if (capacity_ > kIndexFrom) rebuild_index();
}

bool MapBuilder::add(const Value& key, const Value& value) {
  if (data_->find(key) != nullptr) return false;
  if (data_->size == capacity_) grow();
  new (const_cast<MapEntry*>(data_->entries) + data_->size) MapEntry{key, value};
  ++data_->size;
  if (buckets_ != nullptr) {
    auto at = static_cast<std::uint32_t>(hash_key(key) >> 32) & data_->bucket_mask;
    while (buckets_[at] != 0) at = (at + 1) & data_->bucket_mask;
    buckets_[at] = data_->size;
  }
  return true;
}

void MapBuilder::put(const Value& key, const Value& value) {
  if (add(key, value)) return;
  const_cast<MapEntry*>(data_->find(key))->value = value;
}

const MapData* MapBuilder::finish() { return data_; }

void MapBuilder::grow() {
  auto* entries = space_.allocate<MapEntry>(std::size_t{capacity_} * 2);
  std::uninitialized_copy_n(data_->entries, data_->size, entries);
  data_->entries = entries;
  capacity_ *= 2;
  if (capacity_ > kIndexFrom) rebuild_index();
}

// At most half of the buckets are in use.
void MapBuilder::rebuild_index() {
  const std::uint32_t count = std::bit_ceil(capacity_ * 2);
  buckets_ = space_.allocate<std::uint32_t>(count);
  std::fill_n(buckets_, count, 0U);
  data_->buckets = buckets_;
  data_->bucket_mask = count - 1;
  for (std::uint32_t i = 0; i < data_->size; ++i) {
    auto at = static_cast<std::uint32_t>(hash_key(data_->entries[i].key) >> 32) & (count - 1);
    while (buckets_[at] != 0) at = (at + 1) & (count - 1);
    buckets_[at] = i + 1;
  }
}

bool equal(Workspace& space, const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return equal_numbers(a, b);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kError:
      return false;
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return a.as_bool() == b.as_bool();
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDouble:
      return equal_numbers(a, b);
    case Kind::kString:
    case Kind::kBytes:
      return a.as_text() == b.as_text();
    case Kind::kDuration:
      return a.as_duration() == b.as_duration();
    case Kind::kTimestamp:
      return a.as_seconds() == b.as_seconds() && a.as_nanoseconds() == b.as_nanoseconds();
    case Kind::kType:
      return runtime_name(a.as_type()) == runtime_name(b.as_type());
    case Kind::kOptional:
      if (a.as_optional() == nullptr || b.as_optional() == nullptr) {
        return a.as_optional() == b.as_optional();
      }
      return equal(space, *a.as_optional(), *b.as_optional());
    case Kind::kList:
      return equal_lists(space, a, b);
    case Kind::kObject:
      if (a.runtime_type().name != b.runtime_type().name) return false;
      return equal_maps(space, a, b);
    case Kind::kMap:
      return equal_maps(space, a, b);
    case Kind::kOpaque:
      return runtime_name(a.as_opaque().type()) == runtime_name(b.as_opaque().type()) &&
             a.as_opaque().equals(b.as_opaque());
  }
  return false;
}

namespace {

Result<api::Value> list_to_json(Workspace& space, const Value& value) {
  api::Value result = api::Value::array();
  result.reserve_entries(space.arena(), value.list_size());
  for (std::size_t i = 0; i < value.list_size(); ++i) {
    if (!space.spend_step()) return errors::bad_request("the value is too large for JSON");
    auto item = to_json(space, value.item(space, i));
    if (!item) return item;
    result.append(space.arena(), *item);
  }
  return result;
}

Result<api::Value> map_to_json(Workspace& space, const Value& value) {
  api::Value result = api::Value::object();
  result.reserve_entries(space.arena(), value.map_size());
  for (std::size_t i = 0; i < value.map_size(); ++i) {
    if (!space.spend_step()) return errors::bad_request("the value is too large for JSON");
    const Value key = value.key(i);
    if (!key.is(Kind::kString)) {
      return errors::bad_request("map key of type " + to_text(key.runtime_type()) +
                                 ", not string, has no JSON");
    }
    auto member = to_json(space, value.value(space, i));
    if (!member) return member;
    result.add_ref(space.arena(), key.as_text(), *member);
  }
  return result;
}

}  // namespace

Result<api::Value> to_json(Workspace& space, const Value& value) {
  if (const api::Value* wrapped = value.wrapped()) return *wrapped;
  switch (value.kind()) {
    case Kind::kError:
      return errors::bad_request(std::string(value.error_message()));
    case Kind::kNull:
      return api::Value::null();
    case Kind::kBool:
      return api::Value::boolean(value.as_bool());
    case Kind::kInt:
      return api::Value::integer(value.as_int());
    case Kind::kUint:
      if (value.as_uint() > INT64_MAX) {
        return api::Value::number(static_cast<double>(value.as_uint()));
      }
      return api::Value::integer(static_cast<std::int64_t>(value.as_uint()));
    case Kind::kDouble:
      if (!std::isfinite(value.as_double())) {
        return errors::bad_request("a number that is not finite has no JSON");
      }
      return api::Value::number(value.as_double());
    case Kind::kString:
      return api::Value::string_ref(value.as_text());
    case Kind::kBytes:
      return api::Value::string(space.arena(), base64_encode(value.as_text()));
    case Kind::kDuration:
      return api::Value::string(space.arena(), internal::duration_text(value.as_duration()));
    case Kind::kTimestamp:
      return api::Value::string(
          space.arena(), internal::timestamp_text(value.as_seconds(), value.as_nanoseconds()));
    case Kind::kOptional:
      if (value.as_optional() == nullptr) return api::Value::null();
      return to_json(space, *value.as_optional());
    case Kind::kList:
      return list_to_json(space, value);
    case Kind::kMap:
    case Kind::kObject:
      return map_to_json(space, value);
    case Kind::kType:
    case Kind::kOpaque:
      break;
  }
  return errors::bad_request("a value of type " + to_text(value.runtime_type()) + " has no JSON");
}

}  // namespace pinnace::cel
