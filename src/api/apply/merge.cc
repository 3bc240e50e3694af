#include "api/apply/merge.h"

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/member_index.h"

namespace pinnace::api::apply {
namespace {

using Layout = Shape::Layout;

// The items of one list by element.
struct Indexed {
  std::vector<PathElement> order;
  std::vector<const Value*> items;
  std::unordered_map<std::string_view, const Value*> by_text;  // Null for what comes twice.

  bool has(const PathElement& element) const { return by_text.contains(element.text()); }
  const Value* find(const PathElement& element) const {
    const auto found = by_text.find(element.text());
    return found == by_text.end() ? nullptr : found->second;
  }
};

class Merger {
 public:
  explicit Merger(Arena& arena) : arena_(arena) {}

  // One of the two may be missing. Nothing where both say nothing.
  std::optional<Value> visit(const Shape& shape, const Value* live, const Value* config) {
    const Layout layout = shape.layout_of(config == nullptr ? live : config);
    const bool is_leaf =
        shape.is_atomic(layout) || (is_blank(live, layout) && is_blank(config, layout));
    if (is_leaf) return config != nullptr ? *config : *live;
    return layout == Layout::kMap ? members(shape, live, config) : items(shape, live, config);
  }
  std::optional<std::string>& problem() { return problem_; }

 private:
  static const Value& object_or_nothing(const Value* value) {
    static const Value kNothing = Value::object();
    return value != nullptr && value->is_object() ? *value : kNothing;
  }

  std::optional<Value> members(const Shape& shape, const Value* live_or_none,
                               const Value* config_or_none) {
    const Value& live = object_or_nothing(live_or_none);
    const Value& config = object_or_nothing(config_or_none);
    MemberIndex in_live(live), in_config(config);
    Value out = Value::object();
    out.reserve_entries(arena_, live.size() + config.size());
    for (const auto& [key, value] : live.members()) {
      if (auto merged = visit(member_of(shape, key), &value, in_config.find(key))) {
        out.add_ref(arena_, key, *merged);
      }
    }
    for (const auto& [key, value] : config.members()) {
      if (in_live.find(key) != nullptr) continue;
      if (auto merged = visit(member_of(shape, key), nullptr, &value)) {
        out.add_ref(arena_, key, *merged);
      }
    }
    if (out.empty()) return std::nullopt;
    return out;
  }
  static Shape member_of(const Shape& shape, std::string_view key) {
    const Shape member = shape.member(key);
    return member.is_declared() ? member : Shape::deduced();
  }

  bool index(const Shape& shape, const Value* list, bool allows_many, Indexed& out) {
    if (list == nullptr || !list->is_array()) return true;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const Value& item = list->items()[i];
      auto element = shape.element_of(arena_, item);
      if (!element) {
        problem_ = "element " + std::to_string(i) + ": " + element.error().message;
        return false;
      }
      const auto [found, is_new] = out.by_text.emplace(element->text(), &item);
      if (!is_new) {
        if (!allows_many) {
          problem_ = "duplicate entries for key " + element->display();
          return false;
        }
        found->second = nullptr;
      }
      out.order.push_back(*element);
      out.items.push_back(&item);
    }
    return true;
  }

  std::optional<Value> items(const Shape& shape, const Value* live, const Value* config) {
    Indexed left, right;
    if (!index(shape, config, false, right) || !index(shape, live, true, left)) return std::nullopt;
    Value out = Value::array();
    interleave(shape.item(), left, right, out);
    if (out.empty()) return std::nullopt;
    return out;
  }

  // Both orders are kept as far as they agree; where they do not, that of the configuration counts.
  void interleave(const Shape& item, const Indexed& live, const Indexed& config, Value& out) {
    std::vector<const PathElement*> shared;
    for (const PathElement& element : config.order) {
      if (live.has(element)) shared.push_back(&element);
    }
    std::unordered_set<std::string_view> taken;
    std::size_t left = 0, right = 0, next_shared = 0;
    const auto append = [&](const Value* from_live, const Value* from_config) {
      if (from_live == nullptr && from_config == nullptr) return;
      if (auto merged = visit(item, from_live, from_config)) out.append(arena_, *merged);
    };
    const auto take_config = [&] {
      const PathElement& element = config.order[right++];
      taken.insert(element.text());
      append(live.find(element), config.find(element));
      if (next_shared < shared.size() && *shared[next_shared] == element) ++next_shared;
    };
    while (left < live.order.size() || right < config.order.size()) {
      if (left < live.order.size() && right < config.order.size()) {
        const PathElement& element = live.order[left];
        if (element == config.order[right]) {
          ++left;
          take_config();
          continue;
        }
        // Shared, but its turn comes elsewhere.
        if (config.has(element) && next_shared < shared.size() && *shared[next_shared] != element) {
          ++left;
          continue;
        }
      }
      if (left < live.order.size()) {
        const PathElement& element = live.order[left];
        if (!config.has(element)) {
          append(live.items[left++], nullptr);
          continue;
        }
        if (taken.contains(element.text())) ++left;
      }
      if (right < config.order.size()) take_config();
    }
  }

  Arena& arena_;
  std::optional<std::string> problem_;
};

// Removal; nothing where nothing is left.
Value removed(Arena& arena, const Shape& shape, const Value& value, const FieldSet& fields);

Value remove_members(Arena& arena, const Shape& shape, const Value& value, const FieldSet& fields) {
  Value out = Value::object();
  out.reserve_entries(arena, value.size());
  for (const auto& [key, member] : value.members()) {
    const FieldEntry* entry = fields.find(PathElement::field(key));
    if (entry == nullptr) {
      out.add_ref(arena, key, member);
      continue;
    }
    if (entry->is_member) continue;
    const Shape declared = shape.member(key);
    const Shape below = declared.is_declared() ? declared : Shape::deduced();
    out.add_ref(arena, key, removed(arena, below, member, entry->children));
  }
  return out.empty() ? Value::null() : out;
}

Value remove_items(Arena& arena, const Shape& shape, const Value& value, const FieldSet& fields) {
  Value out = Value::array();
  out.reserve_entries(arena, value.size());
  for (const Value& item : value.items()) {
    const auto element = shape.element_of(arena, item);
    const FieldEntry* entry = element ? fields.find(*element) : nullptr;
    if (entry == nullptr)
      out.append(arena, item);
    else if (!entry->is_member)
      out.append(arena, removed(arena, shape.item(), item, entry->children));
  }
  return out.empty() ? Value::null() : out;
}

Value removed(Arena& arena, const Shape& shape, const Value& value, const FieldSet& fields) {
  const Layout layout = shape.layout_of(&value);
  if (layout == Layout::kScalar) return value;
  if (shape.is_atomic(layout) || value.empty()) return Value::null();
  if (layout == Layout::kMap) return remove_members(arena, shape, value, fields);
  return value.is_array() ? remove_items(arena, shape, value, fields) : Value::null();
}

// The shape of what an element of a set points at.
Shape below(const Shape& shape, const PathElement& element) {
  if (element.kind() == PathElement::Kind::kField) return shape.member(element.text());
  return shape.item();
}

}  // namespace

Result<Value> merge(Arena& arena, const Shape& shape, const Value& live, const Value& config) {
  Merger merger(arena);
  const auto merged = merger.visit(shape, &live, &config);
  if (merger.problem()) return errors::internal("failed to merge config: " + *merger.problem());
  return merged.value_or(Value::object());
}

Value remove_fields(Arena& arena, const Shape& shape, const Value& value, const FieldSet& fields) {
  if (fields.empty()) return value;
  return removed(arena, shape, value, fields);
}

FieldSet with_parents(Arena& arena, const Shape& shape, const FieldSet& set) {
  std::vector<FieldEntry> entries(set.entries.begin(), set.entries.end());
  for (FieldEntry& entry : entries) {
    if (entry.children.empty()) continue;
    if (entry.element.kind() == PathElement::Kind::kField && shape.has_field(entry.element.text()))
      entry.is_member = true;
    entry.children = with_parents(arena, below(shape, entry.element), entry.children);
  }
  return set_of(arena, entries);
}

FieldSet reconciled(Arena& arena, const Shape& shape, const FieldSet& set) {
  std::vector<FieldEntry> entries(set.entries.begin(), set.entries.end());
  bool is_same = true;
  for (FieldEntry& entry : entries) {
    if (entry.children.empty()) continue;
    const Shape child = below(shape, entry.element);
    if (!child.is_declared() || child.is_deduced()) continue;
    const bool is_whole =
        child.is_atomic(child.layout_of(nullptr)) && child.layout_of(nullptr) != Layout::kScalar;
    const FieldSet children = is_whole ? FieldSet{} : reconciled(arena, child, entry.children);
    if (is_whole) entry.is_member = true;
    is_same = is_same && children.entries.data() == entry.children.entries.data();
    entry.children = children;
  }
  return is_same ? set : set_of(arena, entries);
}

}  // namespace pinnace::api::apply
