// Sets and maps: no item twice.
#include <unordered_map>

#include "api/go_text.h"
#include "api/structural/canonical.h"
#include "api/structural/validate.h"

namespace pinnace::api::structural {
namespace {

// Walks to the places that `wants` names, and calls `visit` for each, outermost first.
template <typename Visit>
void walk(const Value& value, const Node& node, std::string& path, bool Node::*wants,
          const Visit& visit) {
  if (!(node.*wants)) return;
  visit(value, node, path);
  const std::size_t size = path.size();
  if (value.is_array() && node.items != nullptr) {
    std::size_t index = 0;
    for (const Value& item : value.items()) {
      (path += '[') += std::to_string(index++) += ']';
      walk(item, *node.items, path, wants, visit);
      path.resize(size);
    }
  }
  if (!value.is_object()) return;
  for (const Member& member : value.members()) {
    const Node* below = node.property(member.key);
    const bool is_additional = below == nullptr;
    if (is_additional) below = node.additional;
    if (below == nullptr) continue;
    if (is_additional) {
      ((path += '[') += member.key) += ']';
    } else {
      if (!path.empty()) path += '.';
      path += member.key;
    }
    walk(member.value, *below, path, wants, visit);
    path.resize(size);
  }
}

// As complaints show it.
std::string shown(const Value& value) {
  return value.is_string() ? go_quoted(value.as_string()) : canonical_text(value);
}

// Nulls have no keys.
std::string key_text(const Value& item, const Node& list) {
  return item.is_object() ? map_key_text(item, list) : "{}";
}

void check_differs(std::vector<Cause>& causes, const Value& value, const Node& node,
                   const std::string& path) {
  if (node.list_kind == ListKind::kAtomic || !value.is_array()) return;
  const bool is_map = node.list_kind == ListKind::kMap;
  const auto place = [&](std::size_t index) { return path + "[" + std::to_string(index) + "]"; };
  if (is_map) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      const Value& item = value.items()[i];
      if (item.is_object() || item.is_null()) continue;
      causes.push_back(
          cause::invalid(place(i), shown(item), "must be an object for an array of list-type map"));
      return;
    }
  }
  // Each that comes again is told once.
  std::unordered_map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const Value& item = value.items()[i];
    const std::string text = is_map ? key_text(item, node) : canonical_text(item);
    if (++seen[text] != 2) continue;
    causes.push_back(cause::duplicate(place(i), is_map ? text : shown(item)));
  }
}

}  // namespace

void validate_lists(std::vector<Cause>& causes, const Value& value, const Node& schema,
                    const std::string& path) {
  std::string at = path;
  walk(value, schema, at, &Node::has_keyed_lists,
       [&](const Value& list, const Node& node, const std::string& where) {
         check_differs(causes, list, node, where);
       });
}

}  // namespace pinnace::api::structural
