#include "api/structural/canonical.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "api/json.h"

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
  std::string out = "{";
  for (const std::string_view key : list.list_map_keys) {
    if (out.size() > 1) out += ',';
    write_json_string(out, key);
    out += ':';
    const Value* value = item.find(key);
    const Node* node = list.items == nullptr ? nullptr : list.items->property(key);
    if (value == nullptr && node != nullptr) value = node->default_value;
    out += value == nullptr ? "null" : canonical_text(*value);
  }
  return out += '}';
}

ItemCorrelation::ItemCorrelation(const Node& list, const Value* old) : list_(list) {
  if (list.list_kind != ListKind::kMap || old == nullptr || !old->is_array()) return;
  for (const Value& item : old->items()) before_.emplace(map_key_text(item, list), &item);
}

const Value* ItemCorrelation::of(const Value& item) const {
  if (before_.empty()) return nullptr;
  const auto found = before_.find(map_key_text(item, list_));
  return found == before_.end() ? nullptr : found->second;
}

}  // namespace pinnace::api::structural
