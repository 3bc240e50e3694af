#include "apiserver/custom/custom_rules.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>

#include "api/apply/path_element.h"
#include "api/member_index.h"
#include "api/structural/canonical.h"
#include "base/strings.h"
#include "cel/environment.h"
#include "cel/schema_types.h"

namespace pinnace::apiserver {
namespace {

using api::Value;
using api::structural::Node;
using api::structural::Rule;

constexpr std::uint64_t kMaxRequestBytes = std::uint64_t{3} << 20;
constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  if (a == 0 || b == 0) return 0;
  return a > kUnlimited / b ? kUnlimited : a * b;
}

// How often a place may occur in one object; nothing where the schema sets no limit.
using Cardinality = std::optional<std::uint64_t>;

Cardinality below(Cardinality own, const Value& schema, std::string_view limit) {
  const Value* most = schema.find(limit);
  if (!own || most == nullptr || !most->is_int()) return std::nullopt;
  return times(*own, static_cast<std::uint64_t>(std::max<std::int64_t>(most->as_int(), 0)));
}

std::string cost_message(std::string_view what, std::uint64_t cost, std::uint64_t limit) {
  const double factor = static_cast<double>(cost) / static_cast<double>(limit);
  char text[32];
  if (factor > 100)
    std::snprintf(text, sizeof text, "more than 100x");
  else
    std::snprintf(text, sizeof text, factor < 1.5 ? "%fx" : "%.1fx", factor);
  return "estimated " + std::string(what) + " exceeds budget by factor of " + text +
         " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where "
         "arrays, maps, and strings are declared)";
}

}  // namespace

class RuleCompiler {
 public:
  using Place = CustomRules::Place;

  RuleCompiler(cel::TypePool& types, std::vector<Cause>* causes) : types_(types), causes_(causes) {}

  std::unique_ptr<Place> place(const Value& schema, const Node& node, const std::string& path,
                               bool is_root, Cardinality count) {
    if (!node.has_rules) return nullptr;
    auto made = std::make_unique<Place>();
    made->node = &node;
    if (!node.rules.empty()) add_rules(*made, schema, path, is_root, count);
    if (const Value* all = schema.find("properties"); all != nullptr) {
      for (const api::Member& member : all->members()) {
        const Node* next = node.property(member.key);
        if (next == nullptr) continue;
        auto one = place(member.value, *next, path + ".properties[" + std::string(member.key) + "]",
                         false, count);
        if (one) made->properties.emplace(member.key, std::move(one));
      }
    }
    if (node.items != nullptr) {
      made->items = place(*schema.find("items"), *node.items, path + ".items", false,
                          below(count, schema, "maxItems"));
    }
    if (node.additional != nullptr) {
      made->additional =
          place(*schema.find("additionalProperties"), *node.additional,
                path + ".additionalProperties", false, below(count, schema, "maxProperties"));
    }
    return made;
  }

  std::uint64_t total_cost() const { return total_cost_; }

 private:
  void complain(Cause cause) {
    if (causes_ != nullptr) causes_->push_back(std::move(cause));
  }

  void add_rules(Place& made, const Value& schema, const std::string& path, bool is_root,
                 Cardinality count) {
    const bool is_resource = is_root || made.node->embedded_resource;
    made.type = cel::schema_type(types_, schema, path, is_resource);
    if (made.type == nullptr) made.type = &cel::kDynType;
    const cel::Environment plain({{"self", made.type}, {"oldSelf", made.type}});
    const cel::Environment optional({{"self", made.type}, {"oldSelf", types_.optional(made.type)}});
    for (std::size_t i = 0; i < made.node->rules.size(); ++i) {
      const Rule& rule = made.node->rules[i];
      add_rule(made, rule, rule.optional_old_self ? optional : plain,
               path + ".x-kubernetes-validations[" + std::to_string(i) + "]", count);
    }
  }

  void add_rule(Place& made, const Rule& rule, const cel::Environment& environment,
                const std::string& path, Cardinality count) {
    auto program = environment.compile(rule.rule);
    if (!program) {
      return complain(cause::invalid(path + ".rule", quoted(rule.rule),
                                     "compilation failed: " + program.error().message));
    }
    if (program->result_type().kind != cel::TypeKind::kBool) {
      return complain(cause::invalid(path + ".rule", quoted(rule.rule),
                                     "compilation failed: cel expression must evaluate to a bool"));
    }
    check_cost(*program, made, path + ".rule", "rule cost", count);
    CustomRules::Compiled compiled{&rule, *program, std::nullopt, program->references("oldSelf")};
    if (rule.optional_old_self && !compiled.uses_old) {
      complain(cause::invalid(path + ".optionalOldSelf", "true",
                              "may not be set if oldSelf is not used in rule"));
    }
    if (!rule.message_expression.empty()) add_message(compiled, made, environment, path, count);
    made.rules.push_back(std::move(compiled));
  }

  void add_message(CustomRules::Compiled& compiled, const Place& made,
                   const cel::Environment& environment, const std::string& path,
                   Cardinality count) {
    const std::string_view text = compiled.rule->message_expression;
    auto program = environment.compile(text);
    if (!program || program->result_type().kind != cel::TypeKind::kString) {
      const std::string why =
          program ? "messageExpression must evaluate to a string"
                  : "messageExpression compilation failed: " + program.error().message;
      return complain(cause::invalid(path + ".messageExpression", quoted(text), why));
    }
    check_cost(*program, made, path + ".messageExpression", "messageExpression cost", count);
    compiled.message = *program;
  }

  void check_cost(const cel::Program& program, const Place& made, const std::string& path,
                  std::string_view what, Cardinality count) {
    const std::uint64_t most = count ? *count : kMaxRequestBytes / (made.type->min_json_bytes + 1);
    const std::uint64_t cost = times(program.cost_estimate().max, most);
    total_cost_ = cost > kUnlimited - total_cost_ ? kUnlimited : total_cost_ + cost;
    if (cost > cel::kExpressionCostEstimateLimit) {
      complain(cause::forbidden(path, cost_message(what, cost, cel::kExpressionCostEstimateLimit)));
    }
  }

  static std::string quoted(std::string_view text) { return api::apply::go_quoted(text); }

  cel::TypePool& types_;
  std::vector<Cause>* causes_;
  std::uint64_t total_cost_ = 0;
};

std::shared_ptr<const CustomRules> CustomRules::create(const Value& schema, const Node& root,
                                                       std::vector<Cause>* causes,
                                                       const std::string& path) {
  auto made = std::make_shared<CustomRules>();
  RuleCompiler compiler(made->types_, causes);
  made->root_ = compiler.place(schema, root, path, true, 1);
  if (causes != nullptr && compiler.total_cost() > cel::kTotalCostEstimateLimit) {
    causes->push_back(cause::forbidden(
        path, cost_message("x-kubernetes-validations estimated rule cost total for entire "
                           "OpenAPIv3 schema",
                           compiler.total_cost(), cel::kTotalCostEstimateLimit)));
  }
  return made;
}

// Asks the rules about one object, within one budget.
class RuleAsker {
 public:
  using Place = CustomRules::Place;
  using Compiled = CustomRules::Compiled;

  explicit RuleAsker(std::vector<Cause>& causes) : causes_(causes) {}

  void ask(const Place* place, const Value& value, const Value* old, const std::string& path) {
    if (place == nullptr || value.is_null() || is_spent_) return;
    const std::size_t before = causes_.size();
    for (const Compiled& rule : place->rules) {
      if (is_spent_) return;
      ask_rule(*place, rule, value, old, path);
    }
    if (value.is_array() && place->items) {
      const api::structural::ItemCorrelation correlation(*place->node, old);
      std::size_t index = 0;
      for (const Value& item : value.items()) {
        ask(place->items.get(), item, correlation.of(item),
            path + "[" + std::to_string(index++) + "]");
      }
    }
    if (value.is_object()) ask_members(*place, value, old, path);
    // What was accepted once is not refused for what it was before.
    if (causes_.size() > before && old != nullptr && api::equal(*old, value)) {
      causes_.resize(before);
    }
  }

 private:
  void ask_members(const Place& place, const Value& value, const Value* old,
                   const std::string& path) {
    std::optional<api::MemberIndex> before;
    if (old != nullptr && old->is_object()) before.emplace(*old);
    for (const api::Member& member : value.members()) {
      const Value* was = before ? before->find(member.key) : nullptr;
      const auto property = place.properties.find(member.key);
      if (property != place.properties.end()) {
        ask(property->second.get(), member.value, was, child(path, member.key));
      } else if (place.additional && place.node->property(member.key) == nullptr) {
        ask(place.additional.get(), member.value, was, path + "[" + std::string(member.key) + "]");
      }
    }
  }

  static std::string child(const std::string& path, std::string_view name) {
    return (path.empty() ? "" : path + ".") + std::string(name);
  }

  cel::Outcome evaluate(const cel::Program& program, const Place& place, const Rule& rule,
                        const Value& value, const Value* old) {
    cel::Value variables[2] = {cel::Value::json(space_, value, *place.type), cel::Value::none()};
    if (old != nullptr) {
      variables[1] = cel::Value::json(space_, *old, *place.type);
      if (rule.optional_old_self) variables[1] = cel::Value::optional(space_, variables[1]);
    }
    const std::uint64_t limit = std::min(cel::kPerCallCostLimit, budget_);
    cel::Outcome outcome = program.evaluate(space_, variables, limit);
    budget_ -= std::min(budget_, outcome.cost);
    return outcome;
  }

  void ask_rule(const Place& place, const Compiled& compiled, const Value& value, const Value* old,
                const std::string& path) {
    const Rule& rule = *compiled.rule;
    // Rules about changes are asked where there is something that changed.
    if (compiled.uses_old && old == nullptr && !rule.optional_old_self) return;
    const cel::Outcome outcome = evaluate(compiled.program, place, rule, value, old);
    const std::string at = path.empty() ? "<nil>" : path;
    const std::string type = "\"" + std::string(type_of(*place.node)) + "\"";
    if (outcome.cancelled) {
      is_spent_ = true;
      const std::string why =
          budget_ == 0 ? "validation failed due to running out of cost budget, no further "
                         "validation rules will be run"
                       : "'actual cost limit exceeded': no further validation rules will be run "
                         "due to call cost exceeds limit for rule: " +
                             text_of(rule);
      causes_.push_back(cause::invalid(at, type, why));
    } else if (outcome.value.is_error()) {
      causes_.push_back(cause::invalid(
          at, type,
          std::string(outcome.value.error_message()) + " evaluating rule: " + text_of(rule)));
    } else if (!outcome.is_true()) {
      fail(rule, message_of(place, compiled, value, old), path, type);
    }
  }

  void fail(const Rule& rule, const std::string& message, const std::string& path,
            const std::string& type) {
    std::string at = path + std::string(rule.field_path);
    if (path.empty() && at.starts_with('.')) at.erase(0, 1);
    if (at.empty()) at = "<nil>";
    if (rule.reason == "FieldValueForbidden")
      causes_.push_back(cause::forbidden(at, message));
    else if (rule.reason == "FieldValueRequired")
      causes_.push_back(cause::required(at, message));
    else if (rule.reason == "FieldValueDuplicate")
      causes_.push_back(cause::duplicate(at, type));
    else
      causes_.push_back(cause::invalid(at, type, message));
  }

  std::string message_of(const Place& place, const Compiled& compiled, const Value& value,
                         const Value* old) {
    const Rule& rule = *compiled.rule;
    if (compiled.message) {
      const cel::Outcome outcome = evaluate(*compiled.message, place, rule, value, old);
      if (!outcome.cancelled && outcome.value.is(cel::Kind::kString)) {
        const std::string_view text = trim(outcome.value.as_text());
        if (!text.empty() && text.size() <= cel::kMaxMessageExpressionBytes &&
            text.find('\n') == std::string_view::npos) {
          return std::string(text);
        }
      }
    }
    return rule.message.empty() ? "failed rule: " + text_of(rule) : std::string(trim(rule.message));
  }

  static std::string text_of(const Rule& rule) {
    return std::string(trim(rule.message.empty() ? rule.rule : rule.message));
  }
  static std::string_view type_of(const Node& node) {
    return api::structural::type_name(node.type);
  }

  std::vector<Cause>& causes_;
  cel::Workspace space_;
  std::uint64_t budget_ = cel::kRuntimeCostBudget;
  bool is_spent_ = false;
};

void CustomRules::validate(std::vector<Cause>& causes, const Value& object,
                           const Value* old) const {
  std::vector<Cause> found;
  RuleAsker(found).ask(root_.get(), object, old, "");
  causes.insert(causes.end(), std::make_move_iterator(found.begin()),
                std::make_move_iterator(found.end()));
}

}  // namespace pinnace::apiserver
