#include "api/strategic_merge_patch.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>

#include "api/go_text.h"
#include "api/json.h"
#include "api/json_patch.h"
#include "api/member_index.h"
#include "api/object_codec.h"
#include "api/strategic_list.h"

namespace pinnace::api {
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kDeleteFrom = "$deleteFromPrimitiveList";
constexpr std::string_view kSetOrder = "$setElementOrder";

// What the schema knows of one field.
struct FieldRule {
  const TypeInfo* type = nullptr;  // Of the value, of the list's elements or of the map's values.
  std::string_view opaque;         // The name of a type whose fields nobody knows.
  bool is_map = false;             // The value is a map of `type`.
  bool merges = false;
  bool replaces = false;  // A map is not merged either.
  std::string_view merge_key;
};

// A map's rule has the type of its members in `type`.
Result<FieldRule> rule_of(const FieldRule& parent, std::string_view name) {
  if (parent.is_map) {
    return errors::unexplained(
        "merging an object in json but data type is not struct, instead is: map");
  }
  const FieldInfo* field = parent.type == nullptr ? nullptr : parent.type->field(name);
  if (field == nullptr) {
    return errors::unexplained(
        "unable to find api field in struct " +
        std::string(parent.type == nullptr ? parent.opaque : parent.type->name) +
        " for the json field " + go_quoted(name));
  }
  return FieldRule{.type = field->form == Form::kObject ? field->type : nullptr,
                   .opaque = field->form == Form::kAnyJson ? "JSON" : "RawExtension",
                   .is_map = field->container == Container::kMap,
                   .merges = field->patch_merge,
                   .replaces = field->patch_replace,
                   .merge_key = field->patch_merge_key};
}

// "$directive/field" without what stands before the slash; nothing where there is none.
std::optional<std::string_view> field_of(std::string_view key, std::string_view directive) {
  const std::string_view rest = key.substr(directive.size());
  if (!rest.starts_with('/')) return std::nullopt;
  return rest.substr(1);
}

// As Go prints it.
std::string shown(Arena& arena, const Value& value) {
  Value sorted = deep_copy(arena, value);
  sort_all_members(sorted);
  return go_text(sorted, false);
}

std::string directive_text(const Value& directive) {
  return directive.is_string() ? std::string(directive.as_string()) : go_text(directive, false);
}

Unexpected wrong_type(std::string_view expected, const Value& actual) {
  return errors::unexplained("expected a " + std::string(expected) + ", but received a " +
                             (actual.is_null() ? "%!s(<nil>)" : std::string(go_type(actual))));
}

Unexpected not_a_list(const Value& actual) { return wrong_type("[]interface {}", actual); }

// A value that the patch puts where nothing like it was: without null members, and without the
// maps that have a directive. Nothing where it is such a map itself.
std::optional<Value> fresh_value(Arena& arena, const Value& value) {
  if (value.is_array()) {
    Value copy = Value::array();
    copy.reserve_entries(arena, value.size());
    for (const Value& item : value.items()) {
      if (const auto fresh = fresh_value(arena, item)) copy.append(arena, *fresh);
    }
    return copy;
  }
  if (!value.is_object()) return value;
  if (value.find(kDirective) != nullptr) return std::nullopt;
  Value copy = Value::object();
  copy.reserve_entries(arena, value.size());
  for (const Member& member : value.members()) {
    if (member.value.is_null()) continue;
    if (const auto fresh = fresh_value(arena, member.value)) {
      copy.add_ref(arena, member.key, *fresh);
    }
  }
  return copy;
}

class Merger {
 public:
  explicit Merger(Arena& arena) : arena_(arena) {}

  Result<void> merge_map(Value& original, const Value& patch, const FieldRule& rule) {
    if (const Value* directive = patch.find(kDirective)) {
      return replace_map(original, patch, *directive);
    }
    if (!original.is_object()) original = Value::object();
    if (Result<void> done = retain_keys(original, patch); !done) return done;
    Names settled;
    if (Result<void> done = order_lists(original, patch, rule, settled); !done) return done;
    if (Result<void> done = merge_members(original, patch, rule, settled); !done) return done;
    return delete_from_lists(original, patch, rule);
  }

 private:
  using Names = std::unordered_set<std::string_view>;

  Unexpected unknown_directive(const Value& directive, const Value& map) {
    return errors::unexplained("unknown patch type: " + directive_text(directive) +
                               " in map: " + shown(arena_, map));
  }
  Unexpected no_merge_key(const Value& map, std::string_view key) {
    return errors::unexplained("map: " + shown(arena_, map) +
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

  Result<void> replace_map(Value& original, const Value& patch, const Value& directive) {
    const std::string_view word = directive.is_string() ? directive.as_string() : "";
    if (word != "replace" && word != "delete") return unknown_directive(directive, patch);
    original = word == "replace" ? patch : Value::object();
    drop_members(original, [](std::string_view key) { return key == kDirective; });
    return {};
  }

  Result<void> merge_members(Value& original, const Value& patch, const FieldRule& rule,
                             const Names& settled) {
    MemberIndex index(original);
    Names removed;
    for (const auto& [key, change] : patch.members()) {
      const bool is_member = key != kRetainKeys && !key.starts_with(kDeleteFrom) &&
                             !key.starts_with(kSetOrder) && !settled.contains(key);
      if (!is_member) continue;
      const std::size_t place = index.place(key);
      if (place >= original.size()) {
        const auto fresh = fresh_value(arena_, change);
        if (fresh && !change.is_null()) original.add_ref(arena_, key, *fresh);
        continue;
      }
      auto stays = merge_value(original.members()[place].value, change, rule, key);
      if (!stays) return std::unexpected(std::move(stays.error()));
      if (!*stays) removed.insert(key);
    }
    if (!removed.empty()) drop_members(original, [&](auto key) { return removed.contains(key); });
    return {};
  }

  // Whether there still is a value.
  Result<bool> merge_value(Value& target, const Value& change, const FieldRule& parent,
                           std::string_view key) {
    const bool is_map = target.is_object() && change.is_object();
    if (is_map || (target.is_array() && change.is_array())) {
      const auto rule = rule_of(parent, key);
      if (!rule) return std::unexpected(rule.error());
      if (is_map && rule->replaces) {
        target = change;
        return true;
      }
      const auto done =
          is_map ? merge_map(target, change, *rule) : merge_list(target, change, *rule);
      if (!done) return std::unexpected(done.error());
      return true;
    }
    const auto fresh = fresh_value(arena_, change);
    if (!fresh || change.is_null()) return false;
    target = *fresh;
    return true;
  }

  // The elements of a list that merges are all alike.
  Result<Value::Type> element_type(const Items& original, const Items& patch) {
    std::optional<Value::Type> type;
    for (const Items* list : {&original, &patch}) {
      for (const Value& item : *list) {
        if (!type && item.is_array()) {
          return patch_does_not_apply("lists of lists are not supported");
        }
        if (type && *type != item.type()) {
          return errors::unexplained("list element types are not identical: [" +
                                     shown(arena_, array_of(arena_, original)) + " " +
                                     shown(arena_, array_of(arena_, patch)) + "]");
        }
        type = item.type();
      }
    }
    if (!type) return errors::unexplained("no elements in any of the given slices");
    return *type;
  }

  // `live_order`, if wanted, gets the order that counts for the elements that the patch does not
  // speak of: as in Kubernetes, new elements take the places of those that were deleted.
  Result<void> merge_list(Value& target, const Value& change, const FieldRule& rule,
                          Items* live_order = nullptr) {
    if (!rule.merges) {
      target = change;
      return {};
    }
    Items original = items_of(target);
    Items patch = items_of(change);
    if (original.empty() && patch.empty()) return {};
    const auto type = element_type(original, patch);
    if (!type) return std::unexpected(type.error());
    if (*type != Value::Type::kObject) {
      const Items merged = without_repeats(original, patch);
      if (!rule.merge_key.empty()) return check_keys(merged, rule.merge_key);
      target = array_of(arena_, normalize_order(merged, patch, original, ""));
      return {};
    }
    if (rule.merge_key.empty()) {
      return errors::unexplained("cannot merge lists without merge key for struct");
    }
    if (auto done = special_elements(original, patch, rule.merge_key); !done) return done;
    const Items server_order = original;
    if (auto done = merge_elements(original, patch, rule); !done) return done;
    if (live_order != nullptr) {
      *live_order = original;
      live_order->resize(std::min(target.size(), original.size()));
    }
    if (auto done = check_keys(original, rule.merge_key); !done) return done;
    target = array_of(arena_, normalize_order(original, patch, server_order, rule.merge_key));
    return {};
  }

  static Items without_repeats(const Items& original, const Items& patch) {
    Items all;
    std::unordered_set<std::string> seen;
    for (const Items* list : {&original, &patch}) {
      for (const Value& item : *list) {
        if (seen.insert(to_json_text(item)).second) all.push_back(item);
      }
    }
    return all;
  }

  Result<void> check_keys(const Items& items, std::string_view key) {
    for (const Value& item : items) {
      if (!item.is_object()) return wrong_type("map[string]interface {}", item);
      if (item.find(key) == nullptr) return no_merge_key(item, key);
    }
    return {};
  }

  // Does what elements with a directive say, and takes them out of the patch.
  Result<void> special_elements(Items& original, Items& patch, std::string_view key) {
    bool replaces = false;
    Items rest;
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
        return errors::unexplained("merging lists cannot yet be specified in the patch");
      } else {
        return unknown_directive(*directive, item);
      }
    }
    std::erase_if(original,
                  [&](const Value& item) { return deleted.contains(identity(item, key)); });
    patch = replaces ? Items() : rest;
    if (replaces) original = std::move(rest);
    return {};
  }

  Result<void> merge_elements(Items& original, const Items& patch, const FieldRule& rule) {
    ItemIndex index(original, rule.merge_key);
    for (const Value& item : patch) {
      if (item.find(rule.merge_key) == nullptr) return no_merge_key(item, rule.merge_key);
      const std::string id = identity(item, rule.merge_key);
      const std::size_t place = index.find(id);
      if (place == ItemIndex::kAbsent) {
        index.add(id, original.size());
        original.push_back(deep_copy(arena_, item));
      } else if (auto done = merge_map(original[place], item, {.type = rule.type}); !done) {
        return done;
      }
    }
    return {};
  }

  Result<void> retain_keys(Value& original, const Value& patch) {
    const Value* retained = patch.find(kRetainKeys);
    if (retained == nullptr) return {};
    constexpr std::string_view kProblem = "invalid patch format of retainKeys";
    if (!retained->is_array()) return errors::bad_request(std::string(kProblem));
    Names keys;
    for (const Value& key : retained->items()) {
      if (key.is_string()) keys.insert(key.as_string());
    }
    for (const auto& [key, value] : patch.members()) {
      const bool is_value = key != kRetainKeys && !value.is_null() &&
                            !key.starts_with(kDeleteFrom) && !key.starts_with(kSetOrder);
      if (is_value && !keys.contains(key)) return errors::bad_request(std::string(kProblem));
    }
    drop_members(original, [&](std::string_view key) { return !keys.contains(key); });
    return {};
  }

  Result<void> delete_from_lists(Value& original, const Value& patch, const FieldRule& rule) {
    MemberIndex index(original);
    Names removed;
    for (const auto& [key, change] : patch.members()) {
      if (!key.starts_with(kDeleteFrom)) continue;
      const auto name = field_of(key, kDeleteFrom);
      if (!name) return errors::bad_request("invalid patch format of primitive list");
      const std::size_t place = index.place(*name);
      if (place >= original.size()) continue;
      Value& target = original.members()[place].value;
      if (change.is_null()) {
        removed.insert(*name);
      } else if (target.is_array() && change.is_array()) {
        const auto list = rule_of(rule, *name);
        if (!list) return std::unexpected(list.error());
        if (auto done = delete_items(target, change, *list); !done) return done;
      }
    }
    if (!removed.empty()) drop_members(original, [&](auto key) { return removed.contains(key); });
    return {};
  }

  Result<void> delete_items(Value& target, const Value& gone, const FieldRule& rule) {
    Items items = items_of(target);
    if (items.empty() && gone.empty()) return {};
    const auto type = element_type(items, items_of(gone));
    if (!type) return std::unexpected(type.error());
    if (*type == Value::Type::kObject) {
      FieldRule merging = rule;
      merging.merges = true;
      return merge_list(target, gone, merging);
    }
    std::unordered_set<std::string> texts;
    for (const Value& item : gone.items()) texts.insert(to_json_text(item));
    std::erase_if(items, [&](const Value& item) { return texts.contains(to_json_text(item)); });
    target = array_of(arena_, items);
    return {};
  }

  // Lists whose order the patch says are merged here; their names go to `settled`.
  Result<void> order_lists(Value& original, const Value& patch, const FieldRule& rule,
                           Names& settled) {
    for (const auto& [key, order] : patch.members()) {
      if (!key.starts_with(kSetOrder)) continue;
      if (!order.is_array()) return not_a_list(order);
      const auto name = field_of(key, kSetOrder);
      if (!name) return errors::bad_request("invalid patch format of setElementOrder list");
      if (auto done = order_list(original, *name, patch.find(*name), order, rule); !done) {
        return done;
      }
      settled.insert(*name);
    }
    return {};
  }

  Result<void> order_list(Value& original, std::string_view name, const Value* change,
                          const Value& order, const FieldRule& parent) {
    Value* target = original.find(name);
    if (target != nullptr && !target->is_array()) return not_a_list(*target);
    if (change != nullptr && !change->is_array()) return not_a_list(*change);
    const auto rule = rule_of(parent, name);
    if (!rule) return std::unexpected(rule.error());
    const Items wanted = items_of(order);
    if (change != nullptr) {
      if (auto ok = check_order(*change, order, rule->merge_key); !ok) return ok;
    }
    if (target == nullptr && change == nullptr) return {};
    Items before = target == nullptr ? Items() : items_of(*target);
    if (auto ok = element_type(before, change == nullptr ? Items() : items_of(*change)); !ok) {
      return std::unexpected(ok.error());
    }
    if (target == nullptr) {
      target = &original.set(arena_, name, *fresh_value(arena_, *change));
    } else if (change != nullptr) {
      if (auto done = merge_list(*target, *change, *rule, &before); !done) return done;
    }
    const Items merged = items_of(*target);
    if (!rule->merge_key.empty() && !merged.empty()) {
      for (const Items* items : {&wanted, &merged}) {
        if (auto ok = check_keys(*items, rule->merge_key); !ok) return ok;
      }
    }
    *target = array_of(arena_, normalize_order(merged, wanted, before, rule->merge_key));
    return {};
  }

  // What the patch says of a list must stand in the order that it asks for.
  Result<void> check_order(const Value& change, const Value& order, std::string_view key) {
    if (change.empty() || order.empty()) return {};
    const auto wanted = order.items();
    std::size_t at = 0;
    for (const Value& item : change.items()) {
      if (!key.empty() && !item.is_object()) return wrong_type("map[string]interface {}", item);
      const bool is_special = item.find(kDirective) != nullptr;
      if (is_special && (item.string_at(kDirective) == "delete" || at < wanted.size())) continue;
      const bool has_key = key.empty() || item.find(key) != nullptr;
      if (!has_key && at < wanted.size()) return no_merge_key(item, key);
      const std::string id = identity(item, key);
      while (at < wanted.size() && identity(wanted[at], key) != id) ++at;
      if (at == wanted.size()) {
        return errors::unexplained("The order in patch list:\n" + shown(arena_, change) +
                                   "\n doesn't match $setElementOrder list:\n" +
                                   shown(arena_, order) + "\n");
      }
      ++at;
    }
    return {};
  }

  Arena& arena_;
};

}  // namespace

Result<void> apply_strategic_merge_patch(Arena& arena, Value& document, const Value& patch,
                                         const TypeInfo& type) {
  if (patch.is_null()) return {};
  if (!patch.is_object()) {
    return errors::bad_request("error decoding patch: a strategic merge patch must be an object");
  }
  return Merger(arena).merge_map(document, patch, {.type = &type});
}

}  // namespace pinnace::api
