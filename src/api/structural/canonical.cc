#include "api/structural/canonical.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "api/json.h"
#include "api/member_index.h"

namespace pinnace::api::structural {
namespace {

void write(std::string& out, const Value& value);

void write_members(std::string& out, const Value& value) {
  std::vector<const Member*> sorted;
  for (const Member& member : value.members()) sorted.push_back(&member);
  std::ranges::sort(sorted, {}, [](const Member* member) { return member->key; });
  out += '{';
  for (const Member* member : sorted) {
    if (out.back() != '{') out += ',';
    write_json_string(out, member->key);
    out += ':';
    write(out, member->value);
  }
  out += '}';
}

void write(std::string& out, const Value& value) {
  if (value.is_object()) return write_members(out, value);
  if (value.is_array()) {
    out += '[';
    for (const Value& item : value.items()) {
      if (out.back() != '[') out += ',';
      write(out, item);
    }
    out += ']';
    return;
  }
  write_json(out, value);
}

}  // namespace

std::string canonical_text(const Value& value) {
  std::string out;
  write(out, value);
  return out;
}

std::string map_key_text(const Value& item, const Node& list) {
  std::vector<std::string_view> keys(list.list_map_keys.begin(), list.list_map_keys.end());
  std::ranges::sort(keys);
  std::string out = "{";
  for (const std::string_view key : keys) {
    const Value* value = item.find(key);
    if (value == nullptr) continue;
    if (out.size() > 1) out += ',';
    write_json_string(out, key);
    out += ':';
    write(out, *value);
  }
  return out += '}';
}

namespace {

bool has_all_keys(const Value& item, const Node& list) {
  return std::ranges::all_of(list.list_map_keys, [&](std::string_view key) {
    const Value* value = item.find(key);
    return value != nullptr && (value->is_string() || value->is_number() || value->is_bool());
  });
}

bool is_keyed(const Node& list) {
  return list.type == Type::kArray && list.list_kind == ListKind::kMap &&
         !list.list_map_keys.empty();
}

bool are_items_unchanged(const Value& value, const Value& old, const Node& schema) {
  if (value.size() != old.size()) return false;
  if (!is_keyed(schema) || schema.items == nullptr) return equal(value, old);
  const ItemCorrelation before(schema, &old);
  return std::ranges::all_of(value.items(), [&](const Value& item) {
    const Value* was = before.of(item);
    return was != nullptr && is_unchanged(item, *was, *schema.items);
  });
}

bool are_members_unchanged(const Value& value, const Value& old, const Node& schema) {
  if (value.size() != old.size()) return false;
  MemberIndex before(old);
  return std::ranges::all_of(value.members(), [&](const Member& member) {
    const Value* was = before.find(member.key);
    const Node* below = schema.property(member.key);
    if (below == nullptr) below = schema.additional;
    return was != nullptr && below != nullptr && is_unchanged(member.value, *was, *below);
  });
}

}  // namespace

ItemCorrelation::ItemCorrelation(const Node& list, const Value* old) : list_(list) {
  if (!is_keyed(list) || old == nullptr || !old->is_array()) return;
  for (const Value& item : old->items()) {
    if (item.is_object() && has_all_keys(item, list)) {
      before_.emplace(map_key_text(item, list), &item);
    }
  }
}

const Value* ItemCorrelation::of(const Value& item) const {
  if (before_.empty() || !item.is_object() || !has_all_keys(item, list_)) return nullptr;
  const auto found = before_.find(map_key_text(item, list_));
  return found == before_.end() ? nullptr : found->second;
}

bool is_unchanged(const Value& value, const Value& old, const Node& schema) {
  if (value.is_array() && old.is_array()) return are_items_unchanged(value, old, schema);
  if (value.is_object() && old.is_object()) return are_members_unchanged(value, old, schema);
  return equal(value, old);
}

}  // namespace pinnace::api::structural
