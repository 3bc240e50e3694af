#include "api/strategic_merge_patch.h"

#include <map>
#include <string>
#include <unordered_set>

#include "api/json.h"
#include "api/json_patch.h"
#include "api/member_index.h"
#include "api/strategic_list.h"

namespace pinnace::api {
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kDeleteFrom = "$deleteFromPrimitiveList/";
constexpr std::string_view kSetOrder = "$setElementOrder/";

bool is_directive_key(std::string_view key) {
  return key == kDirective || key == kRetainKeys || key.starts_with(kDeleteFrom) ||
         key.starts_with(kSetOrder);
}

// What the schema knows of one field; nothing for what it does not know.
struct FieldRule {
  const TypeInfo* type = nullptr;  // Of the value, of the list's elements or of the map's values.
  bool is_map = false;             // The value is a map of `type`.
  bool merges = false;
  std::string_view merge_key;
};

FieldRule rule_of(const FieldRule& parent, std::string_view name) {
  if (parent.type == nullptr) return {};
  if (parent.is_map) return {.type = parent.type};
  const FieldInfo* field = parent.type->field(name);
  if (field == nullptr) return {};
  return {.type = field->form == Form::kObject ? field->type : nullptr,
          .is_map = field->container == Container::kMap,
          .merges = field->patch_merge,
          .merge_key = field->patch_merge_key};
}

class Merger {
 public:
  explicit Merger(Arena& arena) : arena_(arena) {}

  // A map's rule has the type of its members in `type`.
  Result<void> merge_map(Value& original, const Value& patch, const FieldRule& rule) {
    if (const Value* directive = patch.find(kDirective)) {
      const std::string_view word = directive->is_string() ? directive->as_string() : "";
      if (word == "replace") {
        original = without_directives(patch);
        return {};
      }
      if (word == "delete") {
        original = Value::object();
        return {};
      }
      if (word != "merge") return unknown_directive(word, patch);
    }
    if (!original.is_object()) original = Value::object();
    if (Result<void> done = retain_keys(original, patch); !done) return done;
    if (Result<void> done = delete_from_lists(original, patch, rule); !done) return done;
    const ServerOrders orders = server_orders(original, patch);
    MemberIndex index(original);
    std::unordered_set<std::string_view> removed;
    for (const Member& change : patch.members()) {
      if (is_directive_key(change.key)) continue;
      const std::size_t place = index.place(change.key);
      const bool present = place < original.size();
      if (change.value.is_null()) {
        if (present) removed.insert(change.key);
      } else if (!present) {
        Result<Value> fresh = fresh_value(change.value, rule_of(rule, change.key));
        if (!fresh) return Unexpected(fresh.error());
        original.add_ref(arena_, change.key, *fresh);
      } else {
        Value& target = original.members()[place].value;
        Result<void> done = merge_value(target, change.value, rule_of(rule, change.key));
        if (!done) return done;
      }
    }
    if (!removed.empty()) drop_members(original, [&](auto key) { return removed.contains(key); });
    return set_orders(original, patch, rule, orders);
  }

 private:
  static Unexpected unknown_directive(std::string_view word, const Value& map) {
    return patch_does_not_apply("unknown patch type: " + std::string(word) +
                                " in map: " + to_json_text(map));
  }
  static Unexpected no_merge_key(const Value& map, std::string_view key) {
    return patch_does_not_apply("map: " + to_json_text(map) +
                                " does not contain declared merge key: " + std::string(key));
  }

  template <typename Drop>
  void drop_members(Value& object, const Drop& drop) {
    Value kept = Value::object();
    kept.reserve_entries(arena_, object.size());
    for (const Member& member : object.members()) {
      if (!drop(member.key)) kept.add_ref(arena_, member.key, member.value);
    }
    object = kept;
  }

  // A value of the patch as the document may hold it: no directives, no nulls.
  Value without_directives(const Value& value) {
    if (value.is_array()) {
      Value copy = Value::array();
      for (const Value& item : value.items()) {
        if (item.is_object() && item.find(kDirective) != nullptr) continue;
        copy.append(arena_, without_directives(item));
      }
      return copy;
    }
    if (!value.is_object()) return value;
    Value copy = Value::object();
    for (const Member& member : value.members()) {
      if (is_directive_key(member.key) || member.value.is_null()) continue;
      copy.add_ref(arena_, member.key, without_directives(member.value));
    }
    return copy;
  }

  Result<Value> fresh_value(const Value& patch, const FieldRule& rule) {
    if (patch.is_object()) {
      Value made = Value::object();
      if (Result<void> done = merge_map(made, patch, rule); !done) return Unexpected(done.error());
      return made;
    }
    return without_directives(patch);
  }

  Result<void> merge_value(Value& target, const Value& patch, const FieldRule& rule) {
    if (target.is_object() && patch.is_object()) return merge_map(target, patch, rule);
    if (target.is_array() && patch.is_array() && rule.merges) {
      Result<Items> merged = merge_list(items_of(target), items_of(patch), rule);
      if (!merged) return Unexpected(merged.error());
      target = array_of(arena_, *merged);
      return {};
    }
    Result<Value> fresh = fresh_value(patch, rule);
    if (!fresh) return Unexpected(fresh.error());
    target = *fresh;
    return {};
  }

  // Applies `$patch` elements; what is left of the patch goes to `rest`. True when the patch
  // replaces the whole list.
  Result<bool> special_elements(Items& original, const Items& patch, Items& rest,
                                std::string_view key) {
    bool replaces = false;
    std::unordered_set<std::string> deleted;
    for (const Value& item : patch) {
      const Value* directive = item.find(kDirective);
      if (directive == nullptr) {
        rest.push_back(item);
        continue;
      }
      const std::string_view word = directive->is_string() ? directive->as_string() : "";
      if (word == "replace") {
        replaces = true;
      } else if (word == "delete") {
        if (item.find(key) == nullptr) return no_merge_key(item, key);
        deleted.insert(identity(item, key));
      } else if (word == "merge") {
        rest.push_back(item);
      } else {
        return unknown_directive(word, item);
      }
    }
    std::erase_if(original,
                  [&](const Value& item) { return deleted.contains(identity(item, key)); });
    return replaces;
  }

  Result<Items> merge_list(Items original, const Items& patch, const FieldRule& rule) {
    const bool maps = !rule.merge_key.empty();
    Items changes = patch;
    if (maps) {
      for (const Value& item : patch) {
        if (!item.is_object()) {
          return item.is_array() ? patch_does_not_apply("lists of lists are not supported")
                                 : no_merge_key(item, rule.merge_key);
        }
      }
      changes.clear();
      Result<bool> replaces = special_elements(original, patch, changes, rule.merge_key);
      if (!replaces) return Unexpected(replaces.error());
      if (*replaces) {
        for (Value& item : changes) item = without_directives(item);
        return changes;
      }
    }
    const Items server_order = original;
    ItemIndex index(original, rule.merge_key);
    for (const Value& item : changes) {
      if (maps && item.find(rule.merge_key) == nullptr) return no_merge_key(item, rule.merge_key);
      const std::string id = identity(item, rule.merge_key);
      const std::size_t place = index.find(id);
      if (place == ItemIndex::kAbsent) {
        Result<Value> fresh = fresh_value(item, {.type = rule.type});
        if (!fresh) return Unexpected(fresh.error());
        index.add(id, original.size());
        original.push_back(*fresh);
      } else if (maps) {
        Result<void> done = merge_map(original[place], item, {.type = rule.type});
        if (!done) return Unexpected(done.error());
      }
    }
    return normalize_order(original, changes, server_order, rule.merge_key);
  }

  Result<void> retain_keys(Value& original, const Value& patch) {
    const Value* retained = patch.find(kRetainKeys);
    if (retained == nullptr) return {};
    if (!retained->is_array()) return errors::bad_request("invalid patch format of retainKeys");
    std::unordered_set<std::string_view> keys;
    for (const Value& key : retained->items()) {
      if (!key.is_string()) return errors::bad_request("invalid patch format of retainKeys");
      keys.insert(key.as_string());
    }
    for (const Member& member : patch.members()) {
      if (is_directive_key(member.key) || member.value.is_null()) continue;
      if (!keys.contains(member.key)) {
        return patch_does_not_apply("patch content doesn't match retainKeys list");
      }
    }
    drop_members(original, [&](std::string_view key) { return !keys.contains(key); });
    return {};
  }

  Result<void> delete_from_lists(Value& original, const Value& patch, const FieldRule& rule) {
    for (const Member& member : patch.members()) {
      if (!member.key.starts_with(kDeleteFrom)) continue;
      const std::string_view name = member.key.substr(kDeleteFrom.size());
      const FieldRule list = rule_of(rule, name);
      if (!member.value.is_array() || !list.merges || !list.merge_key.empty()) {
        return errors::bad_request("invalid patch format of primitive list");
      }
      Value* target = original.find(name);
      if (target == nullptr || !target->is_array()) continue;
      std::unordered_set<std::string> gone;
      for (const Value& item : member.value.items()) gone.insert(to_json_text(item));
      Items kept = items_of(*target);
      std::erase_if(kept, [&](const Value& item) { return gone.contains(to_json_text(item)); });
      *target = array_of(arena_, kept);
    }
    return {};
  }

  // The lists that `$setElementOrder` speaks of, as they stood before the patch.
  using ServerOrders = std::map<std::string_view, Items>;
  static ServerOrders server_orders(const Value& original, const Value& patch) {
    ServerOrders orders;
    for (const Member& member : patch.members()) {
      if (!member.key.starts_with(kSetOrder)) continue;
      const std::string_view name = member.key.substr(kSetOrder.size());
      if (const Value* list = original.find(name)) orders[name] = items_of(*list);
    }
    return orders;
  }

  Result<void> set_orders(Value& original, const Value& patch, const FieldRule& rule,
                          const ServerOrders& orders) {
    for (const Member& member : patch.members()) {
      if (!member.key.starts_with(kSetOrder)) continue;
      const std::string_view name = member.key.substr(kSetOrder.size());
      const FieldRule list = rule_of(rule, name);
      if (!member.value.is_array() || !list.merges) {
        return errors::bad_request("invalid patch format of setElementOrder list");
      }
      Value* target = original.find(name);
      if (target == nullptr || !target->is_array()) continue;
      const auto before = orders.find(name);
      const Items server_order = before == orders.end() ? Items() : before->second;
      *target = array_of(arena_, normalize_order(items_of(*target), items_of(member.value),
                                                 server_order, list.merge_key));
    }
    return {};
  }

  Arena& arena_;
};

}  // namespace

Result<void> apply_strategic_merge_patch(Arena& arena, Value& document, const Value& patch,
                                         const TypeInfo& type) {
  if (!patch.is_object()) {
    return errors::bad_request("error decoding patch: a strategic merge patch must be an object");
  }
  return Merger(arena).merge_map(document, patch, {.type = &type});
}

}  // namespace pinnace::api
