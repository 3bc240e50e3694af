#include "apiserver/strategies/field.h"

#include "api/json.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {

bool Field::empty() const {
  if (!is_set()) return true;
  switch (value_->type()) {
    case api::Value::Type::kBool:
      return !value_->as_bool();
    case api::Value::Type::kInt:
      return value_->as_int() == 0;
    case api::Value::Type::kDouble:
      return false;
    default:
      return value_->is_string() ? value_->as_string().empty() : value_->empty();
  }
}

std::string_view Field::text() const {
  return is_set() && value_->is_string() ? value_->as_string() : std::string_view();
}

std::int64_t Field::number(std::int64_t fallback) const {
  return is_set() && value_->is_int() ? value_->as_int() : fallback;
}

bool Field::flag(bool fallback) const {
  return is_set() && value_->is_bool() ? value_->as_bool() : fallback;
}

Field Field::operator[](std::string_view name) const {
  std::string path = path_;
  if (!path.empty()) path += '.';
  path += name;
  return {*causes_, value_ == nullptr ? nullptr : value_->find(name), std::move(path)};
}

Field Field::at_key(std::string_view key) const {
  return {*causes_, value_ == nullptr ? nullptr : value_->find(key),
          path_ + '[' + std::string(key) + ']'};
}

Field Field::at(std::size_t index) const {
  const bool there = value_ != nullptr && value_->is_array() && index < value_->size();
  return {*causes_, there ? &value_->items()[index] : nullptr,
          path_ + '[' + std::to_string(index) + ']'};
}

std::vector<Field> Field::items() const {
  std::vector<Field> out;
  if (value_ == nullptr || !value_->is_array()) return out;
  for (std::size_t i = 0; i < value_->size(); ++i) out.push_back(at(i));
  return out;
}

namespace {
std::string shown(const api::Value* value) {
  return value == nullptr ? "null" : api::to_json_text(*value);
}
}  // namespace

void Field::required(std::string_view detail) const {
  causes_->push_back(cause::required(path_, detail));
}
void Field::invalid(std::string_view detail) const { invalid_value(shown(value_), detail); }
void Field::invalid_value(std::string_view json, std::string_view detail) const {
  causes_->push_back(cause::invalid(path_, json, detail));
}
void Field::forbidden(std::string_view detail) const {
  causes_->push_back(cause::forbidden(path_, detail));
}
void Field::not_supported(const std::vector<std::string>& valid) const {
  causes_->push_back(cause::not_supported(path_, shown(value_), valid));
}
void Field::duplicate() const { duplicate_value(shown(value_)); }
void Field::duplicate_value(std::string_view json) const {
  causes_->push_back(cause::duplicate(path_, json));
}
void Field::not_found() const { causes_->push_back(cause::not_found(path_, shown(value_))); }
void Field::too_long(std::size_t max_bytes) const {
  causes_->push_back(cause::too_long(path_, max_bytes));
}
void Field::too_many(std::size_t max_items) const {
  causes_->push_back(cause::too_many(path_, size(), max_items));
}

void Field::each(const api::Complaints& complaints) const {
  for (const auto& text : complaints) invalid(text);
}

bool Field::require() const {
  if (empty()) required();
  return !empty();
}

void Field::at_least(std::int64_t minimum) const {
  if (!is_set() || number() >= minimum) return;
  invalid(minimum == 0 ? "must be greater than or equal to 0"
                       : "must be greater than or equal to " + std::to_string(minimum));
}

void Field::between(std::int64_t low, std::int64_t high) const {
  if (!is_set() || (number() >= low && number() <= high)) return;
  invalid("must be between " + std::to_string(low) + " and " + std::to_string(high) +
          ", inclusive");
}

bool Field::immutable(const api::Value* old) const {
  const bool was_set = old != nullptr && !old->is_null();
  const bool same = is_set() && was_set ? api::equal(*value_, *old) : is_set() == was_set;
  if (!same) invalid("field is immutable");
  return same;
}

}  // namespace pinnace::apiserver
