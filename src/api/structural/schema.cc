#include "api/structural/schema.h"

#include <algorithm>
#include <array>
#include <map>
#include <new>

namespace pinnace::api::structural {
namespace {

constexpr std::array<std::string_view, 7> kTypeNames{"",        "object", "array",  "string",
                                                     "integer", "number", "boolean"};

Type type_of(std::string_view name) {
  const auto found = std::ranges::find(kTypeNames, name);
  return found == kTypeNames.end() ? Type::kAny : static_cast<Type>(found - kTypeNames.begin());
}

const Value* find_set(const Value& object, std::string_view key) {
  const Value* value = object.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<std::int64_t> int_of(const Value& object, std::string_view key) {
  const Value* value = object.find(key);
  if (value == nullptr || !value->is_int()) return std::nullopt;
  return value->as_int();
}

std::optional<double> double_of(const Value& object, std::string_view key) {
  const Value* value = object.find(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->as_double();
}

}  // namespace

std::string_view type_name(Type type) { return kTypeNames[static_cast<std::size_t>(type)]; }

const Node* Node::property(std::string_view name) const {
  const auto found = std::ranges::lower_bound(properties, name, {}, &Property::name);
  return found != properties.end() && found->name == name ? found->node : nullptr;
}

class SchemaParser {
 public:
  explicit SchemaParser(Schema& schema) : schema_(schema), arena_(schema.arena_) {}

  Result<const Node*> node(const Value& from, int depth) {
    if (depth > kMaxDepth) return errors::bad_request("the schema is nested too deep");
    if (++nodes_ > kMaxNodes) return errors::bad_request("the schema has too many parts");
    Node& made = *allocate<Node>(1);
    read_flags(made, from);
    if (auto ok = read_children(made, from, depth); !ok) return std::unexpected(ok.error());
    if (auto ok = read_checks(made, from, depth); !ok) return std::unexpected(ok.error());
    read_rules(made, from);
    return &made;
  }

 private:
  template <typename T>
  T* allocate(std::size_t count) {
    T* made = static_cast<T*>(arena_.allocate(count * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < count; ++i) new (made + i) T();
    return made;
  }

  std::string_view text(const Value& from, std::string_view key) {
    return arena_.copy(from.string_at(key));
  }

  std::span<const std::string_view> texts(const Value& from, std::string_view key) {
    const Value* list = from.find(key);
    if (list == nullptr || !list->is_array() || list->empty()) return {};
    auto* made = allocate<std::string_view>(list->size());
    std::size_t count = 0;
    for (const Value& item : list->items()) {
      if (item.is_string()) made[count++] = arena_.copy(item.as_string());
    }
    return {made, count};
  }

  void read_flags(Node& made, const Value& from) {
    made.type = type_of(from.string_at("type"));
    made.nullable = from.bool_at("nullable");
    made.int_or_string = from.bool_at("x-kubernetes-int-or-string");
    made.embedded_resource = from.bool_at("x-kubernetes-embedded-resource");
    made.preserve_unknown_fields = from.bool_at("x-kubernetes-preserve-unknown-fields");
    made.atomic_map = from.string_at("x-kubernetes-map-type") == "atomic";
    const std::string_view list = from.string_at("x-kubernetes-list-type");
    made.list_kind = list == "set"   ? ListKind::kSet
                     : list == "map" ? ListKind::kMap
                                     : ListKind::kAtomic;
    made.list_map_keys = texts(from, "x-kubernetes-list-map-keys");
    if (const Value* value = find_set(from, "default")) {
      Value& kept = *allocate<Value>(1);
      kept = deep_copy(arena_, *value);
      made.default_value = &kept;
    }
    made.has_defaults = made.default_value != nullptr;
    made.has_resources = made.embedded_resource;
    made.has_keyed_lists = made.list_kind != ListKind::kAtomic;
  }

  void add_below(Node& made, const Node& below) {
    made.has_defaults = made.has_defaults || below.has_defaults;
    made.has_rules = made.has_rules || below.has_rules;
    made.has_resources = made.has_resources || below.has_resources;
    made.has_keyed_lists = made.has_keyed_lists || below.has_keyed_lists;
  }

  Result<void> read_children(Node& made, const Value& from, int depth) {
    if (const Value* all = find_set(from, "properties"); all != nullptr && all->is_object()) {
      auto* list = allocate<Property>(all->size());
      std::size_t count = 0;
      for (const Member& member : all->members()) {
        auto below = node(member.value, depth + 1);
        if (!below) return std::unexpected(below.error());
        list[count++] = {arena_.copy(member.key), *below};
        add_below(made, **below);
      }
      std::sort(list, list + count,
                [](const Property& a, const Property& b) { return a.name < b.name; });
      made.properties = {list, count};
    }
    if (const Value* items = find_set(from, "items"); items != nullptr && items->is_object()) {
      auto below = node(*items, depth + 1);
      if (!below) return std::unexpected(below.error());
      made.items = *below;
      add_below(made, **below);
    }
    const Value* more = find_set(from, "additionalProperties");
    if (more == nullptr) return {};
    made.allows_additional = more->is_object() || (more->is_bool() && more->as_bool());
    made.refuses_additional = more->is_bool() && !more->as_bool();
    if (!more->is_object()) return {};
    auto below = node(*more, depth + 1);
    if (!below) return std::unexpected(below.error());
    made.additional = *below;
    add_below(made, **below);
    return {};
  }

  Result<std::span<const Node* const>> nodes(const Value& from, std::string_view key, int depth) {
    const Value* list = find_set(from, key);
    if (list == nullptr || !list->is_array() || list->empty()) {
      return std::span<const Node* const>();
    }
    auto** made = allocate<const Node*>(list->size());
    std::size_t count = 0;
    for (const Value& item : list->items()) {
      auto one = node(item, depth + 1);
      if (!one) return std::unexpected(one.error());
      made[count++] = *one;
    }
    return std::span<const Node* const>(made, count);
  }

  void read_bounds(Checks& checks, const Value& from) {
    checks.format = text(from, "format");
    checks.minimum = double_of(from, "minimum");
    checks.maximum = double_of(from, "maximum");
    checks.multiple_of = double_of(from, "multipleOf");
    checks.exclusive_minimum = from.bool_at("exclusiveMinimum");
    checks.exclusive_maximum = from.bool_at("exclusiveMaximum");
    checks.min_length = int_of(from, "minLength");
    checks.max_length = int_of(from, "maxLength");
    checks.min_items = int_of(from, "minItems");
    checks.max_items = int_of(from, "maxItems");
    checks.min_properties = int_of(from, "minProperties");
    checks.max_properties = int_of(from, "maxProperties");
    checks.unique_items = from.bool_at("uniqueItems");
    checks.required = texts(from, "required");
    const Value* values = find_set(from, "enum");
    if (values == nullptr || !values->is_array() || values->empty()) return;
    auto* kept = allocate<Value>(values->size());
    for (std::size_t i = 0; i < values->size(); ++i) {
      kept[i] = deep_copy(arena_, values->items()[i]);
    }
    checks.enum_values = {kept, values->size()};
    checks.has_enum = true;
  }

  Result<const Pattern*> pattern(std::string_view wanted) {
    const auto known = patterns_.find(wanted);
    if (known != patterns_.end()) return known->second;
    auto made = Pattern::compile(wanted);
    if (!made) return std::unexpected(made.error());
    schema_.patterns_.push_back(std::move(*made));
    return patterns_[wanted] = schema_.patterns_.back().get();
  }

  Result<void> read_checks(Node& made, const Value& from, int depth) {
    static constexpr std::string_view kKeys[] = {
        "format",      "minimum",  "maximum", "multipleOf",    "minLength",     "maxLength",
        "minItems",    "maxItems", "pattern", "minProperties", "maxProperties", "enum",
        "uniqueItems", "required", "allOf",   "anyOf",         "oneOf",         "not"};
    if (std::ranges::none_of(kKeys, [&](auto key) { return find_set(from, key) != nullptr; })) {
      return {};
    }
    Checks& checks = *allocate<Checks>(1);
    made.checks = &checks;
    read_bounds(checks, from);
    checks.pattern_text = text(from, "pattern");
    if (!checks.pattern_text.empty()) {
      auto compiled = pattern(checks.pattern_text);
      if (!compiled) return std::unexpected(compiled.error());
      checks.pattern = *compiled;
    }
    const struct {
      std::string_view key;
      std::span<const Node* const>* to;
    } lists[] = {{"allOf", &checks.all_of}, {"anyOf", &checks.any_of}, {"oneOf", &checks.one_of}};
    for (const auto& [key, to] : lists) {
      auto list = nodes(from, key, depth);
      if (!list) return std::unexpected(list.error());
      *to = *list;
      for (const Node* one : *list) made.has_rules = made.has_rules || one->has_rules;
    }
    if (const Value* refused = find_set(from, "not"); refused != nullptr && refused->is_object()) {
      auto one = node(*refused, depth + 1);
      if (!one) return std::unexpected(one.error());
      checks.not_node = *one;
    }
    return {};
  }

  void read_rules(Node& made, const Value& from) {
    const Value* list = find_set(from, "x-kubernetes-validations");
    if (list == nullptr || !list->is_array() || list->empty()) return;
    auto* rules = allocate<Rule>(list->size());
    for (std::size_t i = 0; i < list->size(); ++i) {
      const Value& item = list->items()[i];
      rules[i] = {text(item, "rule"),   text(item, "message"),   text(item, "messageExpression"),
                  text(item, "reason"), text(item, "fieldPath"), item.bool_at("optionalOldSelf")};
    }
    made.rules = {rules, list->size()};
    made.has_rules = true;
  }

  Schema& schema_;
  Arena& arena_;
  std::size_t nodes_ = 0;
  std::map<std::string_view, const Pattern*> patterns_;
};

Result<std::unique_ptr<const Schema>> Schema::parse(const Value& open_api_v3_schema) {
  auto made = std::make_unique<Schema>();
  SchemaParser parser(*made);
  auto root = parser.node(open_api_v3_schema, 0);
  if (!root) return std::unexpected(std::move(root.error()));
  made->root_ = *root;
  return std::unique_ptr<const Schema>(std::move(made));
}

}  // namespace pinnace::api::structural
