#include "cel/internal/keyed_list.h"

#include <string>
#include <vector>

#include "cel/internal/text_of.h"

namespace pinnace::cel::internal {
namespace {

// A field of a key, told apart from all others by its type and length.
void append_field(Workspace& space, const Value& item, std::string_view name, std::string& key) {
  Value field;
  const std::string escaped = item.is(Kind::kObject) ? escape_field(name) : std::string(name);
  const bool there = (item.is(Kind::kObject) || item.is(Kind::kMap)) &&
                     item.get(space, Value::string(escaped), &field);
  const std::string text = there ? text_of(field) : std::string();
  key += static_cast<char>(there ? 'A' + static_cast<int>(field.kind()) : '-');
  key += std::to_string(text.size()) + ":" + text;
}

// Items are found by their key: of a set's they are it themselves, when they are simple.
class Items {
 public:
  Items(Workspace& space, const Value& list)
      : space_(space), type_(list.declared_type()), places_(space, list.list_size()) {
    for (std::size_t i = 0; i < list.list_size(); ++i) append(list.item(space, i));
  }

  // The place of the item with the same key; the number of items when there is none.
  std::size_t find(const Value& item) const {
    const Value key = key_of(item);
    if (!key.is(Kind::kNull)) {
      const MapEntry* entry = places_.view().find(key);
      return entry == nullptr ? items_.size() : static_cast<std::size_t>(entry->value.as_int());
    }
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (space_.spend_step() && equal(space_, items_[i], item)) return i;
    }
    return items_.size();
  }
  void append(const Value& item) {
    const Value key = key_of(item);
    if (!key.is(Kind::kNull)) {
      places_.add(key, Value::integer(static_cast<std::int64_t>(items_.size())));
    }
    items_.push_back(item);
  }
  Value& operator[](std::size_t place) { return items_[place]; }
  std::size_t size() const { return items_.size(); }

  Value list() const {
    Value* kept = space_.allocate<Value>(items_.size());
    std::uninitialized_copy(items_.begin(), items_.end(), kept);
    return Value::list({kept, items_.size()}, &type_);
  }

 private:
  // null: only comparing it with all others tells.
  Value key_of(const Value& item) const {
    if (type_.list_kind == ListKind::kMap) {
      std::string key;
      for (const std::string_view name : type_.list_keys) append_field(space_, item, name, key);
      return Value::string(space_.copy(key));
    }
    const bool simple = item.is_number() || item.is(Kind::kString) || item.is(Kind::kBool);
    return simple ? item : Value::null();
  }

  Workspace& space_;
  const Type& type_;
  MapBuilder places_;
  std::vector<Value> items_;
};

}  // namespace

bool equal_in_any_order(Workspace& space, const Value& a, const Value& b) {
  Items items(space, a);
  std::vector<bool> seen(items.size());
  for (std::size_t i = 0; i < b.list_size(); ++i) {
    const Value item = b.item(space, i);
    const std::size_t place = items.find(item);
    if (!space.spend_step() || place == items.size() || seen[place]) return false;
    if (!equal(space, items[place], item)) return false;
    seen[place] = true;
  }
  return true;
}

Value join_lists(Workspace& space, const Value& a, const Value& b) {
  const bool replaces = a.list_kind() == ListKind::kMap;
  Items items(space, a);
  for (std::size_t i = 0; i < b.list_size() && space.spend_step(); ++i) {
    const Value item = b.item(space, i);
    const std::size_t place = items.find(item);
    if (place == items.size()) {
      items.append(item);
    } else if (replaces) {
      items[place] = item;
    }
  }
  return items.list();
}

}  // namespace pinnace::cel::internal
