#include "api/apply/compare.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "api/member_index.h"

namespace pinnace::api::apply {
namespace {

using Layout = Shape::Layout;

// The path to where a walk is.
class Walk {
 public:
  // Enters a step for as long as it lives.
  class Step {
   public:
    Step(Walk& walk, const PathElement& element) : walk_(walk) {
      walk_.path_.push_back({element, ++walk_.serial_});
    }
    ~Step() { walk_.path_.pop_back(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Walk& walk_;
  };
  std::span<const FieldSetBuilder::Step> path() const { return path_; }

 private:
  std::vector<FieldSetBuilder::Step> path_;
  std::uint64_t serial_ = 0;
};

// Members of an object that are looked up in about the order in which they stand.
class Lookup {
 public:
  explicit Lookup(const Value* object)
      : object_(object != nullptr && object->is_object() ? object : &empty_), index_(*object_) {}
  const Value* find(std::string_view key) {
    const auto members = object_->members();
    if (next_ < members.size() && members[next_].key == key) return &members[next_++].value;
    const std::size_t place = index_.place(key);
    if (place == members.size()) return nullptr;
    next_ = place + 1;
    return &members[place].value;
  }
  std::span<const Member> members() const { return object_->members(); }

 private:
  Value empty_;
  const Value* object_;
  MemberIndex index_;
  std::size_t next_ = 0;
};

// The items of two lists that are the same element.
struct Items {
  PathElement element;
  std::vector<const Value*> before, after;
};

class ItemPairs {
 public:
  ItemPairs(Arena& arena, const Shape& list) : arena_(arena), list_(list) {}
  void add(const Value* list, std::vector<const Value*> Items::*side) {
    if (list == nullptr || !list->is_array()) return;
    for (const Value& item : list->items()) {
      const auto element = list_.element_of(arena_, item);
      if (!element) continue;  // Nobody can own what has no name.
      const auto [found, is_new] = places_.emplace(element->text(), pairs_.size());
      if (is_new) pairs_.push_back({*element, {}, {}});
      (pairs_[found->second].*side).push_back(&item);
    }
  }
  std::span<const Items> pairs() const { return pairs_; }

 private:
  Arena& arena_;
  const Shape& list_;
  std::vector<Items> pairs_;
  std::unordered_map<std::string_view, std::size_t> places_;
};

class Comparer {
 public:
  explicit Comparer(Arena& arena)
      : arena_(arena), added_(arena), modified_(arena), removed_(arena) {}

  void visit(const Shape& shape, const Value* before, const Value* after) {
    const Layout was = shape.layout_of(before == nullptr ? after : before);
    const Layout is = shape.layout_of(after == nullptr ? before : after);
    if (was != is) visit_as(was, shape, before, after);
    visit_as(is, shape, before, after);
    if (before == nullptr) added_.insert(walk_.path());
    if (after == nullptr) removed_.insert(walk_.path());
  }
  // The root: what is the same at the top is most of the object.
  void visit_root(const Shape& shape, const Value& before, const Value& after) {
    members(shape, before, after, true);
  }
  Comparison finish() { return {added_.finish(), modified_.finish(), removed_.finish()}; }

 private:
  void visit_as(Layout layout, const Shape& shape, const Value* before, const Value* after) {
    // Two that are empty are a leaf, so that null and empty are told apart.
    const bool is_leaf =
        shape.is_atomic(layout) || (is_blank(before, layout) && is_blank(after, layout));
    if (!is_leaf && layout == Layout::kMap) return members(shape, before, after);
    if (!is_leaf) return items(shape, before, after);
    if (before != nullptr && after != nullptr && !equal(*before, *after)) {
      modified_.insert(walk_.path());
    }
  }

  void members(const Shape& shape, const Value* before, const Value* after) {
    static const Value kNothing = Value::object();
    const auto object = [](const Value* value) -> const Value& {
      return value != nullptr && value->is_object() ? *value : kNothing;
    };
    members(shape, object(before), object(after), false);
  }
  void members(const Shape& shape, const Value& before, const Value& after, bool skip_equal) {
    Lookup in_after(&after), in_before(&before);
    for (const auto& [key, value] : before.members()) {
      const Value* now = in_after.find(key);
      if (skip_equal && now != nullptr && equal(value, *now)) continue;
      const Walk::Step step(walk_, PathElement::field(key));
      visit(member_of(shape, key), &value, now);
    }
    for (const auto& [key, value] : after.members()) {
      if (in_before.find(key) != nullptr) continue;
      const Walk::Step step(walk_, PathElement::field(key));
      visit(member_of(shape, key), nullptr, &value);
    }
  }
  // An object may have what its schema has lost.
  static Shape member_of(const Shape& shape, std::string_view key) {
    const Shape member = shape.member(key);
    return member.is_declared() ? member : Shape::deduced();
  }

  void items(const Shape& shape, const Value* before, const Value* after) {
    if (before != nullptr && after != nullptr && equal(*before, *after)) return;
    ItemPairs all(arena_, shape);
    all.add(before, &Items::before);
    all.add(after, &Items::after);
    const Shape item = shape.item();
    for (const Items& pair : all.pairs()) {
      const Walk::Step step(walk_, pair.element);
      compare_items(item, pair);
    }
  }
  // An element that comes more than once is owned as a whole.
  void compare_items(const Shape& item, const Items& pair) {
    const Value* before = pair.before.empty() ? nullptr : pair.before.front();
    const Value* after = pair.after.empty() ? nullptr : pair.after.front();
    const bool was_many = pair.before.size() > 1;
    const bool is_many = pair.after.size() > 1;
    if (!was_many && !is_many) return visit(item, before, after);
    if (was_many && is_many) {
      const bool same = std::ranges::equal(
          pair.before, pair.after, [](const Value* a, const Value* b) { return equal(*a, *b); });
      if (!same) modified_.insert(walk_.path());
      return;
    }
    if (was_many) {
      if (after != nullptr) visit(item, nullptr, after);
      removed_.insert(walk_.path());
    } else {
      if (before != nullptr) visit(item, before, nullptr);
      added_.insert(walk_.path());
    }
  }

  Arena& arena_;
  Walk walk_;
  FieldSetBuilder added_, modified_, removed_;
};

class Collector {
 public:
  explicit Collector(Arena& arena) : arena_(arena), fields_(arena) {}

  void visit(const Shape& shape, const Value& value) {
    const Layout layout = shape.layout_of(&value);
    if (shape.is_atomic(layout)) return add();
    if (value.is_object()) return members(shape, value);
    if (value.is_array()) items(shape, value);
  }
  FieldSet finish() { return fields_.finish(); }

 private:
  void add() {
    if (!walk_.path().empty()) fields_.insert(walk_.path());
  }
  void members(const Shape& shape, const Value& value) {
    for (const auto& [key, member] : value.members()) {
      const Walk::Step step(walk_, PathElement::field(key));
      const Shape below = shape.member(key);
      visit(below.is_declared() ? below : Shape::deduced(), member);
      const bool is_empty = member.is_null() || (member.is_object() && member.empty());
      if (is_empty || !shape.has_field(key)) add();
    }
  }
  void items(const Shape& shape, const Value& value) {
    struct Seen {
      PathElement element;
      const Value* item;
      bool is_many;
    };
    std::vector<Seen> all;
    std::unordered_map<std::string_view, std::size_t> places;
    for (const Value& item : value.items()) {
      const auto element = shape.element_of(arena_, item);
      if (!element) continue;
      const auto [found, is_new] = places.emplace(element->text(), all.size());
      if (is_new)
        all.push_back({*element, &item, false});
      else
        all[found->second].is_many = true;
    }
    for (const Seen& seen : all) {
      const Walk::Step step(walk_, seen.element);
      if (!seen.is_many) visit(shape.item(), *seen.item);
      add();
    }
  }

  Arena& arena_;
  Walk walk_;
  FieldSetBuilder fields_;
};

}  // namespace

Comparison compare(Arena& arena, const Shape& shape, const Value& before, const Value& after) {
  Comparer comparer(arena);
  comparer.visit_root(shape, before, after);
  return comparer.finish();
}

FieldSet fields_of(Arena& arena, const Shape& shape, const Value& value) {
  Collector collector(arena);
  collector.visit(shape, value);
  return collector.finish();
}

}  // namespace pinnace::api::apply
