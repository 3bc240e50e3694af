// Field is one place in an object under validation: what stands there, and its path for messages.
//
// Why: rules read like the messages that they give. Reading a place that is not there, or is of
//   another type, gives nothing ("", 0, false, no items), so that a rule need not ask first. Most
//   objects are right: a path is a chain of steps, and becomes text only in a complaint.
// Bounds: each step down stays in the arena. A rule that compared each item of a list with all the
//   others would fill the memory: it makes a set first. Complaints are left out once all of them
//   would have 4 MiB if they were as long as the next one.
// Lifetime: refers to the object, the list of causes and the arena, which must outlive it. Names of
//   members are taken to live forever (literals, names of the schema); keys of maps need not.
// Source: k8s.io/apimachinery/pkg/util/validation/field.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/member_index.h"
#include "api/names.h"
#include "api/quantity.h"
#include "api/schema.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::apiserver {

class Field {
 public:
  // The whole of an object.
  Field(std::vector<Cause>& causes, api::Arena& arena, const api::Value* value,
        const api::TypeInfo* type = nullptr)
      : causes_(&causes), arena_(&arena), value_(value), type_(type) {}

  // Reading.
  const api::Value* value() const { return value_; }
  std::string path() const;
  std::vector<Cause>& causes() const { return *causes_; }
  bool is_set() const { return value_ != nullptr && !value_->is_null(); }
  // Not there, null, "", 0, false, [] or {}.
  bool empty() const;
  std::string_view text() const;
  std::int64_t number(std::int64_t fallback = 0) const;
  bool flag(bool fallback = false) const;
  std::size_t size() const { return value_ == nullptr ? 0 : value_->size(); }
  bool is(std::string_view wanted) const { return text() == wanted; }
  bool is_among(std::initializer_list<std::string_view> list) const;
  bool is_int() const { return is_set() && value_->is_int(); }
  // As Go shows it: texts in its quotes, structs with its own names where the type is known.
  std::string shown() const;
  // Nothing where there is no quantity.
  std::optional<api::Quantity> amount() const;

  // Places below: a member ("path.name"), an entry of a map ("path[key]"), an item ("path[2]").
  Field operator[](std::string_view name) const;
  Field at_key(std::string_view key) const {
    return at_key(key, value_ ? value_->find(key) : nullptr);
  }
  Field at(std::size_t index) const;
  std::vector<Field> items() const;
  std::vector<std::pair<std::string_view, Field>> entries() const;
  // What its items have as their member `name`; "" for those without.
  std::set<std::string_view> texts_of_items(std::string_view name) const;
  // The same value, complained about elsewhere; another value, complained about here.
  Field as(std::string_view path) const;
  Field as(const Field& place) const { return {*this, value_, place.step_}; }
  Field with(const api::Value* value) const { return {*this, value, step_}; }

  // Complaints about this place.
  void required(std::string_view detail = "") const;
  void invalid(std::string_view detail) const;
  // About another value than the one that stands here, given as JSON.
  void invalid_value(std::string_view json, std::string_view detail) const;
  // Without what stands here.
  void invalid_unshown(std::string_view detail) const;
  void forbidden(std::string_view detail) const;
  void not_supported(const std::vector<std::string>& valid) const;
  void not_supported_value(std::string_view json, const std::vector<std::string>& valid) const;
  void duplicate() const;
  void duplicate_value(std::string_view json) const;
  void not_found() const;
  void not_found_value(std::string_view json, std::string_view detail) const;
  void too_long(std::size_t max_bytes) const;
  void too_many(std::size_t max_items) const;
  void each(const api::Complaints& complaints) const;

  // Common rules. Each says whether it holds.
  bool require() const;  // Required value
  bool require(std::string_view detail) const;
  bool one_of(std::initializer_list<const char*> valid) const;  // when it is not empty
  // "" is none of them, as where Kubernetes has a pointer.
  bool one_of_if_set(std::initializer_list<const char*> valid) const;
  void at_least(std::int64_t minimum) const;                // when it is set
  void between(std::int64_t low, std::int64_t high) const;  // when it is set
  bool immutable(const api::Value* old) const;              // field is immutable
  // The same value as before; nothing, null, "", 0, [] and {} are one.
  bool same_as(const api::Value* old) const;

 private:
  friend class FieldMap;

  // One step down from a place. A step without a parent may be a whole path.
  struct Step {
    enum class Kind : std::uint8_t { kMember, kKey, kItem } kind;
    const Step* parent;
    std::string_view name;
    std::size_t index;
  };

  Field(const Field& root, const api::Value* value, const Step* step)
      : causes_(root.causes_), arena_(root.arena_), value_(value), type_(root.type_), step_(step) {}
  // What the schema says of the place; nullptr where it is not known.
  const api::FieldInfo* declared() const;
  void complain(Cause cause) const;
  const Step* step(Step::Kind kind, std::string_view name, std::size_t index) const;
  Field at_key(std::string_view key, const api::Value* value) const;
  Field down(const api::Value* value, Step::Kind kind, std::string_view name,
             std::size_t index = 0) const {
    return {*this, value, step(kind, name, index)};
  }

  std::vector<Cause>* causes_;
  api::Arena* arena_;
  const api::Value* value_;
  const api::TypeInfo* type_;  // Of the whole object; may be nullptr.
  const Step* step_ = nullptr;
};

// The entries of a map for rules that ask it for many keys, which must not become quadratic.
class FieldMap {
 public:
  explicit FieldMap(const Field& map) : map_(map) {
    if (map.value_ != nullptr && map.value_->is_object()) index_.emplace(*map.value_);
  }
  Field at_key(std::string_view key) {
    return map_.at_key(key, index_ ? index_->find(key) : nullptr);
  }

 private:
  Field map_;
  std::optional<api::MemberIndex> index_;
};

}  // namespace pinnace::apiserver
