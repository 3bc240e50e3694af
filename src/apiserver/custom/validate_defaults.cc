#include "apiserver/custom/validate_defaults.h"

#include "api/json.h"
#include "api/structural/schema.h"
#include "api/structural/shaping.h"
#include "api/structural/validate.h"
#include "apiserver/custom/custom_rules.h"
#include "apiserver/custom/embedded_resources.h"

namespace pinnace::apiserver {
namespace {

using api::Value;
using api::structural::Node;

bool is_meta(std::string_view name) {
  return name == "metadata" || name == "apiVersion" || name == "kind";
}

bool holds_more(const Value& value, const Node& node) {
  api::Arena arena;
  std::vector<std::string> unknown;
  Value copy = api::deep_copy(arena, value);
  api::structural::prune_value(copy, node, &unknown);
  return !unknown.empty();
}

// One place of the schema after the other.
class DefaultChecker {
 public:
  DefaultChecker(std::vector<Cause>& causes, bool is_pruned)
      : causes_(causes), is_pruned_(is_pruned) {}

  // A place within the metadata of a resource: from the resource on, the names that lead there.
  struct Way {
    bool is_in_metadata = false;
    std::vector<std::string> names;  // "" for an item.
  };

  void check(const Value& schema, const Node& node, const std::string& path, bool is_resource,
             Way way) {
    if (!node.has_defaults) return;
    if (is_resource) way = {};
    if (node.default_value != nullptr) {
      check_default(schema, node, path + ".default", is_resource, way);
    }
    if (node.items != nullptr) {
      Way below = way;
      below.names.emplace_back();
      check(*schema.find("items"), *node.items, path + ".items", node.items->embedded_resource,
            std::move(below));
    }
    for (const auto& property : node.properties) {
      Way below = way;
      below.names.emplace_back(property.name);
      below.is_in_metadata = below.is_in_metadata || (is_resource && is_meta(property.name));
      const std::string name(property.name);
      check(*schema.find_path({"properties", name}), *property.node,
            path + ".properties[" + name + "]", property.node->embedded_resource, std::move(below));
    }
  }

 private:
  void check_default(const Value& schema, const Node& node, const std::string& path,
                     bool is_resource, const Way& way) {
    const Value& value = *node.default_value;
    const std::size_t before = causes_.size();
    if (way.is_in_metadata) {
      check_metadata(value, path, way);
    } else {
      if (is_pruned_ && holds_more(value, node)) {
        refuse(path, value, "must not have unknown fields");
      }
      const std::size_t known = causes_.size();
      check_resources(node, path);
      if (causes_.size() > known) return;
    }
    if (way.is_in_metadata && causes_.size() > before) return;
    const std::size_t known = causes_.size();
    check_value(node, path);
    if (causes_.size() == known && node.has_rules) ask_rules(schema, node, path, is_resource);
  }

  void refuse(const std::string& path, const Value& value, std::string_view why) {
    causes_.push_back(cause::invalid(path, shown(value), why));
  }
  static std::string shown(const Value& value) { return api::to_json_text(value); }

  // The resource that a default within its metadata makes.
  void check_metadata(const Value& value, const std::string& path, const Way& way) {
    api::Arena arena;
    Value made = api::deep_copy(arena, value);
    for (auto name = way.names.rbegin(); name != way.names.rend(); ++name) {
      Value around = name->empty() ? Value::array() : Value::object();
      if (name->empty())
        around.append(arena, made);
      else
        around.set(arena, *name, made);
      made = around;
    }
    if (made.find("kind") == nullptr) {
      made.set_ref(arena, "kind", Value::string_ref("Validation"));
    }
    if (made.find("apiVersion") == nullptr) {
      made.set_ref(arena, "apiVersion", Value::string_ref("validation/v1"));
    }
    std::vector<std::string> unknown;
    const std::string why = "must result in valid metadata: ";
    for (const char* name : {"apiVersion", "kind"}) {
      const Value* type = made.find(name);
      if (type->is_string()) continue;
      const Cause cause = cause::invalid(name, api::to_json_text(*type), "must be a string");
      return refuse(path, value, why + cause.field + ": " + cause.message);
    }
    const Value* metadata = made.find("metadata");
    const std::string before = metadata == nullptr ? "null" : shown(*metadata);
    if (auto ok = take_metadata(arena, made, "", unknown); !ok) {
      const Cause cause = cause::invalid("metadata", before, ok.error().message);
      return refuse(path, value, why + cause.field + ": " + cause.message);
    }
    std::vector<Cause> wrong;
    validate_resource(wrong, made, "");
    if (wrong.empty()) return;
    refuse(path, value, why + aggregate_text(wrong));
  }

  void check_resources(const Node& node, const std::string& path) {
    api::Arena arena;
    Value copy = api::deep_copy(arena, *node.default_value);
    std::vector<std::string> unknown;
    if (auto ok = take_embedded(arena, copy, node, path, unknown); !ok) {
      // "FIELD: Invalid value: WHY", of which the field is known to be below `path`.
      const std::string& text = ok.error().message;
      const auto colon = text.find(": ");
      causes_.push_back({"FieldValueInvalid", text.substr(colon + 2), text.substr(0, colon)});
      return;
    }
    validate_embedded(causes_, copy, node, path);
  }

  // Though what is missing inside is filled in with the default, it must be there.
  void check_value(const Node& node, const std::string& path) {
    api::structural::validate(causes_, *node.default_value, node, nullptr, path,
                              api::structural::Formats::kAll);
  }

  // As if it had been there before, and as if it came anew.
  void ask_rules(const Value& schema, const Node& node, const std::string& path, bool is_resource) {
    const auto rules = CustomRules::create(schema, node, nullptr, is_resource);
    const std::size_t known = causes_.size();
    rules->validate(causes_, *node.default_value, node.default_value, nullptr, path);
    if (causes_.size() == known) {
      rules->validate(causes_, *node.default_value, nullptr, nullptr, path);
    }
  }

  std::vector<Cause>& causes_;
  const bool is_pruned_;
};

bool any_holds_more(const Node& node) {
  if (!node.has_defaults) return false;
  if (node.default_value != nullptr && holds_more(*node.default_value, node)) return true;
  if (node.items != nullptr && any_holds_more(*node.items)) return true;
  if (node.additional != nullptr && any_holds_more(*node.additional)) return true;
  for (const auto& property : node.properties) {
    if (any_holds_more(*property.node)) return true;
  }
  return false;
}

}  // namespace

void validate_defaults(std::vector<Cause>& causes, const Value& schema, const std::string& path,
                       bool is_pruned) {
  const auto parsed = api::structural::Schema::parse(schema);
  if (!parsed) return;
  // The whole is a resource, even if nothing says so.
  Node root = (*parsed)->root();
  root.embedded_resource = root.has_resources = true;
  DefaultChecker(causes, is_pruned).check(schema, root, path, true, {});
}

bool has_unpruned_defaults(const Value& schema) {
  const auto parsed = api::structural::Schema::parse(schema);
  return parsed && any_holds_more((*parsed)->root());
}

}  // namespace pinnace::apiserver
