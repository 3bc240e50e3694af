#include "apiserver/strategies/field.h"

#include <algorithm>
#include <new>

#include "api/go_text.h"
#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/internal_form.h"

namespace pinnace::apiserver {

namespace {

// Of all complaints as if each were as long as the next one.
constexpr std::size_t kMaxCauseBytes = 4 << 20;

// Not there, null, "", 0, false, [] or {}.
bool says_nothing(const api::Value* value) {
  if (value == nullptr || value->is_null()) return true;
  switch (value->type()) {
    case api::Value::Type::kBool:
      return !value->as_bool();
    case api::Value::Type::kInt:
      return value->as_int() == 0;
    case api::Value::Type::kDouble:
      return false;
    default:
      return value->is_string() ? value->as_string().empty() : value->empty();
  }
}

}  // namespace

bool Field::empty() const { return says_nothing(value_); }

std::string_view Field::text() const {
  return is_set() && value_->is_string() ? value_->as_string() : std::string_view();
}

std::int64_t Field::number(std::int64_t fallback) const {
  return is_set() && value_->is_int() ? value_->as_int() : fallback;
}

bool Field::flag(bool fallback) const {
  return is_set() && value_->is_bool() ? value_->as_bool() : fallback;
}

bool Field::is_among(std::initializer_list<std::string_view> list) const {
  return std::find(list.begin(), list.end(), text()) != list.end();
}

std::optional<api::Quantity> Field::amount() const {
  if (!is_set() || !value_->is_string()) return std::nullopt;
  const auto parsed = api::Quantity::parse(value_->as_string());
  return parsed ? std::optional(*parsed) : std::nullopt;
}

const Field::Step* Field::step(Step::Kind kind, std::string_view name, std::size_t index) const {
  return new (arena_->allocate(sizeof(Step), alignof(Step))) Step{kind, step_, name, index};
}

std::string Field::path() const {
  constexpr std::size_t kUsualDepth = 16;
  std::vector<const Step*> steps;
  steps.reserve(kUsualDepth);
  for (const Step* at = step_; at != nullptr; at = at->parent) steps.push_back(at);
  std::string path;
  for (auto at = steps.rbegin(); at != steps.rend(); ++at) {
    const Step& one = **at;
    switch (one.kind) {
      case Step::Kind::kMember:
        if (!path.empty()) path += '.';
        path += one.name;
        break;
      case Step::Kind::kKey:
        path.append("[").append(one.name).append("]");
        break;
      case Step::Kind::kItem:
        path.append("[").append(std::to_string(one.index)).append("]");
    }
  }
  return path;
}

Field Field::as(std::string_view path) const {
  Field whole(*this, value_, nullptr);
  whole.step_ = whole.step(Step::Kind::kMember, arena_->copy(path), 0);
  return whole;
}

Field Field::operator[](std::string_view name) const {
  return down(value_ == nullptr ? nullptr : value_->find(name), Step::Kind::kMember, name);
}

Field Field::at_key(std::string_view key, const api::Value* value) const {
  return down(value, Step::Kind::kKey, arena_->copy(key));
}

Field Field::at(std::size_t index) const {
  const bool there = value_ != nullptr && value_->is_array() && index < value_->size();
  return down(there ? &value_->items()[index] : nullptr, Step::Kind::kItem, {}, index);
}

std::vector<Field> Field::items() const {
  std::vector<Field> out;
  if (value_ == nullptr || !value_->is_array()) return out;
  out.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i) out.push_back(at(i));
  return out;
}

std::vector<std::pair<std::string_view, Field>> Field::entries() const {
  std::vector<std::pair<std::string_view, Field>> out;
  if (value_ == nullptr || !value_->is_object()) return out;
  out.reserve(value_->size());
  for (const auto& [key, value] : value_->members()) {
    out.emplace_back(key, down(&value, Step::Kind::kKey, key));
  }
  return out;
}

std::set<std::string_view> Field::texts_of_items(std::string_view name) const {
  std::set<std::string_view> out;
  if (value_ == nullptr || !value_->is_array()) return out;
  for (const api::Value& item : value_->items()) out.insert(item.string_at(name));
  return out;
}

const api::FieldInfo* Field::declared() const {
  if (type_ == nullptr) return nullptr;
  std::vector<const Step*> steps;
  for (const Step* at = step_; at != nullptr; at = at->parent) steps.push_back(at);
  const api::FieldInfo* found = nullptr;
  for (auto at = steps.rbegin(); at != steps.rend(); ++at) {
    if ((*at)->kind != Step::Kind::kMember) continue;
    const api::TypeInfo* owner = found == nullptr ? type_ : found->type;
    found = owner == nullptr ? nullptr : owner->field((*at)->name);
    if (found == nullptr) return nullptr;
  }
  return found;
}

std::string Field::shown() const {
  if (value_ != nullptr && value_->is_string()) return api::go_quoted(value_->as_string());
  const bool is_plain = is_set() && !value_->is_object() && !value_->is_array();
  const auto* place = is_plain ? nullptr : declared();
  if (place != nullptr) return internal_form(value_, *place);
  return value_ == nullptr ? "null" : api::to_json_text(*value_);
}

void Field::complain(Cause cause) const {
  if (causes_->size() * cause.message.size() > kMaxCauseBytes) return;
  causes_->push_back(std::move(cause));
}

void Field::required(std::string_view detail) const { complain(cause::required(path(), detail)); }
void Field::invalid(std::string_view detail) const { invalid_value(shown(), detail); }
void Field::invalid_value(std::string_view json, std::string_view detail) const {
  complain(cause::invalid(path(), json, detail));
}
void Field::invalid_unshown(std::string_view detail) const {
  Cause cause = cause::invalid(path(), "", detail);
  cause.message = "Invalid value: " + std::string(detail);
  complain(std::move(cause));
}
void Field::forbidden(std::string_view detail) const { complain(cause::forbidden(path(), detail)); }
void Field::not_supported(const std::vector<std::string>& valid) const {
  // A closed set has a type of its own in Go, which stands in messages as JSON.
  not_supported_value(is_set() && value_->is_string() ? json_quoted(value_->as_string()) : shown(),
                      valid);
}
void Field::not_supported_value(std::string_view json,
                                const std::vector<std::string>& valid) const {
  complain(cause::not_supported(path(), json, valid));
}
void Field::duplicate() const { duplicate_value(shown()); }
void Field::duplicate_value(std::string_view json) const {
  complain(cause::duplicate(path(), json));
}
void Field::not_found() const { not_found_value(shown(), ""); }
void Field::not_found_value(std::string_view json, std::string_view detail) const {
  Cause cause = cause::not_found(path(), json);
  if (!detail.empty()) cause.message.append(": ").append(detail);
  complain(std::move(cause));
}
void Field::too_long(std::size_t max_bytes) const { complain(cause::too_long(path(), max_bytes)); }
void Field::too_many(std::size_t max_items) const {
  complain(cause::too_many(path(), size(), max_items));
}

void Field::each(const api::Complaints& complaints) const {
  for (const auto& text : complaints) invalid_value(is_set() ? shown() : "\"\"", text);
}

bool Field::require() const { return require(""); }

bool Field::require(std::string_view detail) const {
  if (empty()) required(detail);
  return !empty();
}

bool Field::one_of(std::initializer_list<const char*> valid) const {
  return empty() || one_of_if_set(valid);
}

bool Field::one_of_if_set(std::initializer_list<const char*> valid) const {
  if (!is_set()) return true;
  const bool known =
      std::any_of(valid.begin(), valid.end(), [&](const char* one) { return text() == one; });
  if (!known) not_supported({valid.begin(), valid.end()});
  return known;
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

bool Field::same_as(const api::Value* old) const {
  if (empty() || says_nothing(old)) return empty() == says_nothing(old);
  return api::equal(*value_, *old);
}

}  // namespace pinnace::apiserver
