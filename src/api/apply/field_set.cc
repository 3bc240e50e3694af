#include "api/apply/field_set.h"

#include <algorithm>

#include "api/member_index.h"

namespace pinnace::api::apply {
namespace {

constexpr std::string_view kSelf = ".";

std::span<const FieldEntry> keep(Arena& arena, std::span<const FieldEntry> entries) {
  if (entries.empty()) return {};
  auto* copy = static_cast<FieldEntry*>(
      arena.allocate(entries.size() * sizeof(FieldEntry), alignof(FieldEntry)));
  std::uninitialized_copy(entries.begin(), entries.end(), copy);
  return {copy, entries.size()};
}

// Walks two sets side by side. `both` says what becomes of an entry of `a`, given that of `b` or
// nullptr; `only_b` whether what `a` does not have is taken.
template <typename Both>
FieldSet combine(Arena& arena, const FieldSet& a, const FieldSet& b, bool only_b, Both both) {
  std::vector<FieldEntry> out;
  out.reserve(a.entries.size() + (only_b ? b.entries.size() : 0));
  auto right = b.entries.begin();
  for (const FieldEntry& left : a.entries) {
    while (right != b.entries.end() && right->element < left.element) {
      if (only_b) out.push_back(*right);
      ++right;
    }
    const bool is_shared = right != b.entries.end() && right->element == left.element;
    const FieldEntry made = both(left, is_shared ? &*right : nullptr);
    if (is_shared) ++right;
    if (!made.empty()) out.push_back(made);
  }
  if (only_b) out.insert(out.end(), right, b.entries.end());
  return {keep(arena, out)};
}

void for_each_below(const FieldSet& set, std::vector<PathElement>& path,
                    const std::function<void(Path)>& visit) {
  for (const FieldEntry& entry : set.entries) {
    if (!entry.is_member) continue;
    path.push_back(entry.element);
    visit(path);
    path.pop_back();
  }
  for (const FieldEntry& entry : set.entries) {
    if (entry.children.empty()) continue;
    path.push_back(entry.element);
    for_each_below(entry.children, path, visit);
    path.pop_back();
  }
}

struct Decoded {
  FieldSet children;
  bool is_member = false;
};

Result<Decoded> decode_entry(Arena& arena, const Value& object) {
  if (!object.is_object()) return errors::bad_request("fieldsV1 holds a value that is no object");
  Decoded decoded;
  std::vector<FieldEntry> entries;
  entries.reserve(object.size());
  for (const auto& [name, value] : object.members()) {
    if (name == kSelf) {
      decoded.is_member = true;
      continue;
    }
    FieldEntry entry;
    switch (PathElement::parse(arena, name, entry.element)) {
      case PathElement::Parse::kUnknownKind:
        continue;
      case PathElement::Parse::kBroken:
        return errors::bad_request("parsing key as path element: " + std::string(name));
      case PathElement::Parse::kDone:
        break;
    }
    auto below = decode_entry(arena, value);
    if (!below) return below;
    entry.is_member = below->is_member;
    entry.children = below->children;
    entries.push_back(entry);
  }
  // Those that we wrote are sorted; others may be in any order, and come twice.
  if (!std::ranges::is_sorted(entries, std::ranges::less{}, &FieldEntry::element)) {
    std::ranges::stable_sort(entries, std::ranges::less{}, &FieldEntry::element);
  }
  const auto twice = std::ranges::unique(entries, {}, &FieldEntry::element);
  entries.erase(twice.begin(), twice.end());
  decoded.children = {keep(arena, entries)};
  if (entries.empty()) decoded.is_member = true;
  return decoded;
}

// The members of FieldsV1 by element.
class Encoded {
 public:
  explicit Encoded(const Value& fields_v1) : index_(fields_v1.is_object() ? fields_v1 : kNothing) {}
  const Value* find(const PathElement& element) {
    element.encode(name_);
    return index_.find(name_);
  }

 private:
  inline static const Value kNothing = Value::object();
  MemberIndex index_;
  std::string name_;
};

bool says_member(const Value& fields_v1) {
  return fields_v1.empty() || fields_v1.find(kSelf) != nullptr;
}

}  // namespace

FieldSet set_of(Arena& arena, std::span<const FieldEntry> entries) {
  return {keep(arena, entries)};
}

const FieldEntry* FieldSet::find(const PathElement& element) const {
  const auto at =
      std::ranges::lower_bound(entries, element, std::ranges::less{}, &FieldEntry::element);
  return at != entries.end() && at->element == element ? &*at : nullptr;
}

FieldSet unite(Arena& arena, const FieldSet& a, const FieldSet& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return combine(arena, a, b, true, [&](FieldEntry left, const FieldEntry* right) {
    if (right == nullptr) return left;
    left.is_member |= right->is_member;
    left.children = unite(arena, left.children, right->children);
    return left;
  });
}

FieldSet intersect(Arena& arena, const FieldSet& a, const FieldSet& b) {
  if (a.empty() || b.empty()) return {};
  return combine(arena, a, b, false, [&](FieldEntry left, const FieldEntry* right) {
    left.is_member = left.is_member && right != nullptr && right->is_member;
    left.children =
        right == nullptr ? FieldSet{} : intersect(arena, left.children, right->children);
    return left;
  });
}

FieldSet subtract(Arena& arena, const FieldSet& a, const FieldSet& b) {
  if (a.empty() || b.empty()) return a;
  return combine(arena, a, b, false, [&](FieldEntry left, const FieldEntry* right) {
    if (right == nullptr) return left;
    left.is_member = left.is_member && !right->is_member;
    left.children = subtract(arena, left.children, right->children);
    return left;
  });
}

FieldSet subtract_below(Arena& arena, const FieldSet& a, const FieldSet& b) {
  if (a.empty() || b.empty()) return a;
  return combine(arena, a, b, false, [&](FieldEntry left, const FieldEntry* right) {
    if (right == nullptr) return left;
    if (right->is_member) return FieldEntry{};
    left.children = subtract_below(arena, left.children, right->children);
    return left;
  });
}

bool contains(const FieldSet& set, Path path) {
  if (path.empty()) return false;
  const FieldEntry* entry = set.find(path.front());
  if (entry == nullptr) return false;
  return path.size() == 1 ? entry->is_member : contains(entry->children, path.subspan(1));
}

void for_each_field(const FieldSet& set, const std::function<void(Path)>& visit) {
  std::vector<PathElement> path;
  for_each_below(set, path, visit);
}

Result<FieldSet> decode_fields(Arena& arena, const Value& fields_v1) {
  auto decoded = decode_entry(arena, fields_v1);
  if (!decoded) return std::unexpected(std::move(decoded.error()));
  return decoded->children;
}

Value encode_fields(Arena& arena, const FieldSet& set) {
  Value object = Value::object();
  object.reserve_entries(arena, set.entries.size());
  std::string name;
  for (const FieldEntry& entry : set.entries) {
    Value below = encode_fields(arena, entry.children);
    if (entry.is_member && !below.empty()) {
      Value with_self = Value::object();
      with_self.reserve_entries(arena, below.size() + 1);
      with_self.add_ref(arena, kSelf, Value::object());
      for (const Member& member : below.members()) {
        with_self.add_ref(arena, member.key, member.value);
      }
      below = with_self;
    }
    entry.element.encode(name);
    object.add_ref(arena, arena.copy(name), below);
  }
  return object;
}

bool shares_a_field(const Value& fields_v1, const FieldSet& set) {
  Encoded encoded(fields_v1);
  return std::ranges::any_of(set.entries, [&](const FieldEntry& entry) {
    const Value* found = encoded.find(entry.element);
    if (found == nullptr) return false;
    return (entry.is_member && says_member(*found)) || shares_a_field(*found, entry.children);
  });
}

bool has_every_field(const Value& fields_v1, const FieldSet& set) {
  Encoded encoded(fields_v1);
  return std::ranges::all_of(set.entries, [&](const FieldEntry& entry) {
    const Value* found = encoded.find(entry.element);
    if (found == nullptr) return false;
    return (!entry.is_member || says_member(*found)) && has_every_field(*found, entry.children);
  });
}

void FieldSetBuilder::insert(std::span<const Step> path) {
  std::size_t depth = 0;
  while (depth < open_.size() && depth < path.size() && open_[depth].serial == path[depth].serial) {
    ++depth;
  }
  close_to(depth);
  for (; depth < path.size(); ++depth) {
    open_.push_back({path[depth].serial, path[depth].element, false, entries_.size()});
  }
  if (!open_.empty()) open_.back().is_member = true;
}

void FieldSetBuilder::close_to(std::size_t depth) {
  while (open_.size() > depth) {
    const Open done = open_.back();
    open_.pop_back();
    const std::span<FieldEntry> children(entries_.begin() + static_cast<std::ptrdiff_t>(done.first),
                                         entries_.end());
    std::ranges::sort(children, std::ranges::less{}, &FieldEntry::element);
    const FieldEntry made{done.element, done.is_member, {keep(arena_, children)}};
    entries_.resize(done.first);
    entries_.push_back(made);
  }
}

FieldSet FieldSetBuilder::finish() {
  close_to(0);
  std::ranges::sort(entries_, std::ranges::less{}, &FieldEntry::element);
  FieldSet set{keep(arena_, entries_)};
  entries_.clear();
  return set;
}

}  // namespace pinnace::api::apply
