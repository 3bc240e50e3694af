// Sets and maps: no item twice. Embedded resources: they say what they are.
#include "api/json.h"
#include "api/names.h"
#include "api/structural/canonical.h"
#include "api/structural/validate.h"
#include "base/strings.h"

namespace pinnace::api::structural {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  write_json_string(out, text);
  return out;
}

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

void check_differs(std::vector<Cause>& causes, const Value& value, const Node& node,
                   const std::string& path) {
  if (node.list_kind == ListKind::kAtomic || !value.is_array()) return;
  CanonicalSet seen;
  std::size_t index = 0;
  for (const Value& item : value.items()) {
    const bool by_keys = node.list_kind == ListKind::kMap;
    if (by_keys && !item.is_object()) {
      ++index;
      continue;
    }
    std::string text = by_keys ? map_key_text(item, node) : canonical_text(item);
    if (!seen.add_text(text)) {
      causes.push_back(cause::duplicate(path + "[" + std::to_string(index) + "]", text));
    }
    ++index;
  }
}

void check_version(std::vector<Cause>& causes, const Value& value, const std::string& path) {
  const std::string field = path.empty() ? "apiVersion" : path + ".apiVersion";
  const Value* version = value.find("apiVersion");
  if (version == nullptr || (version->is_string() && version->as_string().empty())) {
    causes.push_back(cause::required(field, "must not be empty"));
  } else if (!version->is_string()) {
    causes.push_back(cause::invalid(field, to_json_text(*version), "must be a string"));
  } else if (split(version->as_string(), '/').size() > 2) {
    causes.push_back(
        cause::invalid(field, quoted(version->as_string()),
                       "unexpected GroupVersion string: " + std::string(version->as_string())));
  }
}

void check_kind(std::vector<Cause>& causes, const Value& value, const std::string& path) {
  const std::string field = path.empty() ? "kind" : path + ".kind";
  const Value* kind = value.find("kind");
  if (kind == nullptr || (kind->is_string() && kind->as_string().empty())) {
    causes.push_back(cause::required(field, "must not be empty"));
  } else if (!kind->is_string()) {
    causes.push_back(cause::invalid(field, to_json_text(*kind), "must be a string"));
  } else {
    for (const auto& text : check_dns1035_label(to_lower(kind->as_string()))) {
      causes.push_back(cause::invalid(field, quoted(kind->as_string()),
                                      "may have mixed case, but should otherwise match: " + text));
    }
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

void validate_embedded(std::vector<Cause>& causes, const Value& value, const Node& schema,
                       const std::string& path) {
  std::string at = path;
  walk(value, schema, at, &Node::has_resources,
       [&](const Value& object, const Node& node, const std::string& where) {
         if (!node.embedded_resource || !object.is_object()) return;
         check_version(causes, object, where);
         check_kind(causes, object, where);
       });
}

}  // namespace pinnace::api::structural
