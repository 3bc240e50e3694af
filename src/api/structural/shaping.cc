#include "api/structural/shaping.h"

#include <algorithm>

namespace pinnace::api::structural {
namespace {

constexpr std::size_t kMaxUnknown = 100;

bool is_type_or_meta(std::string_view key) {
  return key == "apiVersion" || key == "kind" || key == "metadata";
}

class Pruner {
 public:
  explicit Pruner(std::vector<std::string>* unknown) : unknown_(unknown) {}

  // `node` is null where the schema knows nothing: then no member stays.
  // `keeps_all`: a list around it keeps what is unknown in its items.
  void prune(Value& value, const Node* node, bool is_resource, bool keeps_all = false) {
    const bool keeps = keeps_all || (node != nullptr && node->preserve_unknown_fields);
    if (value.is_array()) return prune_items(value, node, keeps);
    if (!value.is_object()) return;
    std::size_t kept = 0;
    const auto members = value.members();
    for (Member& member : members) {
      if (prune_member(member, node, keeps, is_resource)) members[kept++] = member;
    }
    value.keep_first(kept);
  }

 private:
  void prune_items(Value& list, const Node* node, bool keeps) {
    const Node* items = node == nullptr ? nullptr : node->items;
    if (keeps && items == nullptr) return;
    std::size_t index = 0;
    for (Value& item : list.items()) {
      const std::size_t size = path_.size();
      (path_ += '[') += std::to_string(index++) += ']';
      prune(item, items, items != nullptr && items->embedded_resource, keeps);
      path_.resize(size);
    }
  }

  // Whether it stays.
  bool prune_member(Member& member, const Node* node, bool keeps, bool is_resource) {
    if (is_resource && is_type_or_meta(member.key)) return true;
    const std::size_t size = path_.size();
    if (!path_.empty()) path_ += '.';
    path_ += member.key;
    const Node* below = node == nullptr ? nullptr : node->property(member.key);
    // What no schema is for stays, to be refused; but nothing is known of what is below.
    const bool is_additional = below == nullptr && node != nullptr &&
                               (node->allows_additional || node->refuses_additional);
    if (is_additional) below = node->additional;
    const bool is_known = below != nullptr || is_additional;
    if (is_known) {
      prune(member.value, below, below != nullptr && below->embedded_resource);
    } else if (!keeps && unknown_ != nullptr && unknown_->size() < kMaxUnknown) {
      unknown_->push_back(path_);
    }
    path_.resize(size);
    return is_known || keeps;
  }

  std::vector<std::string>* unknown_;
  std::string path_;
};

bool is_refused_null(const Value& value, const Node* node) {
  return value.is_null() && node != nullptr && !node->nullable;
}

void drop_nulls(Value& value, const Node& node) {
  if (value.is_array()) {
    if (node.items == nullptr) return;
    for (Value& item : value.items()) drop_nulls(item, *node.items);
    return;
  }
  if (!value.is_object()) return;
  std::size_t kept = 0;
  const auto members = value.members();
  for (Member& member : members) {
    const Node* property = node.property(member.key);
    const Node* below = property != nullptr ? property : node.additional;
    const bool has_default = property != nullptr && property->default_value != nullptr;
    if (is_refused_null(member.value, below) && !has_default) continue;
    if (below != nullptr) drop_nulls(member.value, *below);
    members[kept++] = member;
  }
  value.keep_first(kept);
}

void fill(Arena& arena, Value& value, const Node& node);

void fill_entry(Arena& arena, Value& value, const Node& node) {
  if (is_refused_null(value, &node) && node.default_value != nullptr) {
    value = deep_copy(arena, *node.default_value);
  }
  if (node.has_defaults) fill(arena, value, node);
}

void fill(Arena& arena, Value& value, const Node& node) {
  if (value.is_array()) {
    if (node.items == nullptr) return;
    for (Value& item : value.items()) fill_entry(arena, item, *node.items);
    return;
  }
  if (!value.is_object()) return;
  for (const Property& property : node.properties) {
    if (property.node->default_value == nullptr) continue;
    const Value* there = value.find(property.name);
    if (there != nullptr && !is_refused_null(*there, property.node)) continue;
    value.set(arena, property.name, deep_copy(arena, *property.node->default_value));
  }
  for (Member& member : value.members()) {
    const Node* property = node.property(member.key);
    if (property != nullptr) {
      if (property->has_defaults) fill(arena, member.value, *property);
    } else if (node.additional != nullptr) {
      fill_entry(arena, member.value, *node.additional);
    }
  }
}

}  // namespace

void prune(Value& object, const Node& schema, std::vector<std::string>* unknown) {
  const std::size_t before = unknown == nullptr ? 0 : unknown->size();
  Pruner(unknown).prune(object, &schema, true);
  if (unknown == nullptr) return;
  std::sort(unknown->begin() + static_cast<std::ptrdiff_t>(before), unknown->end());
}

void prune_value(Value& value, const Node& schema, std::vector<std::string>* unknown) {
  Pruner(unknown).prune(value, &schema, schema.embedded_resource);
}

void drop_refused_nulls(Value& object, const Node& schema) { drop_nulls(object, schema); }

void fill_defaults(Arena& arena, Value& object, const Node& schema) {
  if (schema.has_defaults) fill(arena, object, schema);
}

void apply_defaults(Arena& arena, Value& object, const Node& schema) {
  drop_nulls(object, schema);
  fill_defaults(arena, object, schema);
}

}  // namespace pinnace::api::structural
