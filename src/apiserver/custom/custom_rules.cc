#include "apiserver/custom/custom_rules.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <optional>

#include "api/go_text.h"
#include "api/json.h"
#include "api/member_index.h"
#include "api/structural/canonical.h"
#include "apiserver/custom/definition_form.h"
#include "apiserver/custom/field_path.h"
#include "apiserver/custom/schema_keywords.h"
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
  return std::string(what) + " exceeds budget by factor of " + text +
         " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where "
         "arrays, maps, and strings are declared)";
}

}  // namespace

// Kubernetes names this many of the rules that make all of them too expensive, and those that take
// at least this part of what all may.
constexpr std::size_t kMaxExpensive = 4;
constexpr std::uint64_t kLeastPart = cel::kTotalCostEstimateLimit / 100;

class RuleCompiler {
 public:
  using Place = CustomRules::Place;

  RuleCompiler(cel::TypePool& types, const RuleComplaints* complaints)
      : types_(types), complaints_(complaints) {}

  // A place of the schema: `count` how often it may occur; `apart` the path of the schema around
  // it from which on parts cannot be told what they were before an update, "" if they can.
  struct Where {
    std::string path;
    bool is_resource = false;
    Cardinality count;
    std::string apart;
    bool is_mistyped = false;  // It is about the items of what is no list.
  };

  std::unique_ptr<Place> place(const Value& schema, const Node& node, const Where& where) {
    if (!node.has_rules) return nullptr;
    auto made = std::make_unique<Place>();
    made->node = &node;
    if (node.additional != nullptr) {
      made->additional = place(*schema.find("additionalProperties"), *node.additional,
                               {where.path + ".additionalProperties", false,
                                below(where.count, schema, "maxProperties"), where.apart});
    }
    if (const Value* all = schema.find("properties"); all != nullptr) {
      for (const api::Member& member : all->members()) {
        const Node* next = node.property(member.key);
        if (next == nullptr) continue;
        auto one = place(member.value, *next,
                         {where.path + ".properties[" + std::string(member.key) + "]", false,
                          where.count, where.apart});
        if (one) made->properties.emplace(member.key, std::move(one));
      }
    }
    if (node.items != nullptr) {
      const bool is_map = node.list_kind == api::structural::ListKind::kMap;
      made->items = place(*schema.find("items"), *node.items,
                          {where.path + ".items", false, below(where.count, schema, "maxItems"),
                           !where.apart.empty() || is_map ? where.apart : where.path,
                           schema.string_at("type") != "array"});
    }
    made->is_mistyped = where.is_mistyped && !node.rules.empty();
    if (!node.rules.empty() && !where.is_mistyped && !is_faulty(where.path)) {
      add_rules(*made, schema, where);
    }
    return made;
  }

  void complain_about_total() {
    if (complaints_ == nullptr || total_ <= cel::kTotalCostEstimateLimit) return;
    std::ranges::stable_sort(expensive_, std::greater<>(),
                             [](const auto& one) { return one.second; });
    if (expensive_.size() > kMaxExpensive) expensive_.resize(kMaxExpensive);
    for (const auto& [path, cost] : expensive_) {
      complain(cause::forbidden(path,
                                "contributed to estimated rule cost total exceeding cost limit "
                                "for entire OpenAPIv3 schema"));
    }
    complain(cause::forbidden(
        complaints_->path,
        cost_message("x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 "
                     "schema",
                     total_, cel::kTotalCostEstimateLimit)));
  }

 private:
  bool is_faulty(const std::string& path) const {
    if (complaints_ == nullptr) return false;
    const auto& faulty = complaints_->faulty;
    const auto is_below = [&](const std::string& front) {
      const auto place = faulty.lower_bound(front);
      return place != faulty.end() && place->starts_with(front);
    };
    return faulty.contains(path) || is_below(path + ".") || is_below(path + "[");
  }

  void complain(Cause cause) {
    if (complaints_ != nullptr) complaints_->causes->push_back(std::move(cause));
  }

  void add_rules(Place& made, const Value& schema, const Where& where) {
    const bool is_resource = where.is_resource || made.node->embedded_resource;
    made.type = cel::schema_type(types_, schema, where.path, is_resource);
    if (made.type == nullptr) made.type = &cel::kDynType;
    const cel::Environment plain({{"self", made.type}, {"oldSelf", made.type}});
    const cel::Environment optional({{"self", made.type}, {"oldSelf", types_.optional(made.type)}});
    for (std::size_t i = 0; i < made.node->rules.size(); ++i) {
      const Rule& rule = made.node->rules[i];
      const Value& shown = schema.find(kRules)->items()[i];
      Where here = where;
      here.path += "." + std::string(kRules) + "[" + std::to_string(i) + "]";
      add_rule(made, rule, shown, rule.optional_old_self ? optional : plain, here);
      if (made.rules.empty() || made.rules.back().rule != &rule) continue;
      if (const auto path = follow_field_path(rule.field_path, schema)) {
        made.rules.back().field_path = path->text;
      }
    }
  }

  void add_rule(Place& made, const Rule& rule, const Value& shown,
                const cel::Environment& environment, const Where& where) {
    if (trim(rule.rule).empty()) return;
    const auto refuse = [&](const std::string& why) {
      complain(cause::invalid(where.path + ".rule", shown_rule(shown), why));
    };
    auto program = environment.compile(rule.rule);
    if (!program) return refuse(cel::compile_failure(program.error()));
    if (program->result_type().kind != cel::TypeKind::kBool) {
      return refuse("cel expression must evaluate to a bool");
    }
    const std::uint64_t most =
        where.count ? *where.count : kMaxRequestBytes / (made.type->min_json_bytes + 1);
    check_cost(times(program->cost_estimate().max, most), where.path + ".rule",
               "estimated rule cost");
    CustomRules::Compiled compiled{&rule, *program, std::nullopt, program->references("oldSelf"),
                                   ""};
    if (!rule.message_expression.empty()) add_message(compiled, shown, environment, where.path);
    if (compiled.uses_old && !where.apart.empty()) {
      complain(cause::invalid(where.path + ".rule", api::go_quoted(rule.rule),
                              "oldSelf cannot be used on the uncorrelatable portion of the schema "
                              "within " +
                                  where.apart));
    } else if (!compiled.uses_old && shown.find("optionalOldSelf") != nullptr &&
               !shown.find("optionalOldSelf")->is_null()) {
      complain(cause::invalid(where.path + ".optionalOldSelf",
                              rule.optional_old_self ? "true" : "false",
                              "may not be set if oldSelf is not used in rule"));
    }
    made.rules.push_back(std::move(compiled));
  }

  void add_message(CustomRules::Compiled& compiled, const Value& shown,
                   const cel::Environment& environment, const std::string& path) {
    auto program = environment.compile(compiled.rule->message_expression);
    if (!program || program->result_type().kind != cel::TypeKind::kString) {
      return complain(
          cause::invalid(path + ".messageExpression", shown_rule(shown),
                         program ? "messageExpression must evaluate to a string"
                         : program.error().code == cel::kNoProgram
                             ? "messageExpression instantiation failed: " + program.error().message
                             : "messageExpression " + cel::compile_failure(program.error())));
    }
    check_cost(program->cost_estimate().max, path + ".messageExpression",
               "estimated messageExpression cost");
    compiled.message = *program;
  }

  void check_cost(std::uint64_t cost, const std::string& path, std::string_view what) {
    total_ = cost > kUnlimited - total_ ? kUnlimited : total_ + cost;
    if (cost >= kLeastPart) expensive_.emplace_back(path, cost);
    if (complaints_ == nullptr || !complaints_->is_each_affordable) return;
    if (cost > cel::kExpressionCostEstimateLimit) {
      complain(cause::forbidden(path, cost_message(what, cost, cel::kExpressionCostEstimateLimit)));
    }
  }

  cel::TypePool& types_;
  const RuleComplaints* complaints_;
  std::uint64_t total_ = 0;
  std::vector<std::pair<std::string, std::uint64_t>> expensive_;
};

std::shared_ptr<const CustomRules> CustomRules::create(const Value& schema, const Node& root,
                                                       const RuleComplaints* complaints,
                                                       bool is_resource) {
  auto made = std::make_shared<CustomRules>();
  RuleCompiler compiler(made->types_, complaints);
  made->root_ = compiler.place(schema, root,
                               {complaints == nullptr ? "" : complaints->path, is_resource, 1, ""});
  compiler.complain_about_total();
  return made;
}

// What a value was, for those who ask whether it changed. Where that cannot be told, the nearest
// place around it of which it can tells it.
class Unchanged {
 public:
  Unchanged(const Value& value, const Value& old, const Node& node)
      : value_(&value), old_(&old), node_(&node) {}

  bool operator()() const {
    if (old_ != nullptr) return api::structural::is_unchanged(*value_, *old_, *node_);
    return around_ != nullptr && (*around_)();
  }
  // `old` null: it cannot be told what it was.
  Unchanged below(const Value& value, const Value* old, const Node* node) const {
    Unchanged made = *this;
    if (old_ == nullptr) return made;
    made.value_ = &value;
    made.old_ = node == nullptr ? nullptr : old;
    made.node_ = node;
    made.around_ = this;
    return made;
  }
  bool is_root() const { return around_ == nullptr; }
  static Unchanged never() { return Unchanged(); }

 private:
  Unchanged() = default;
  const Value* value_ = nullptr;
  const Value* old_ = nullptr;
  const Node* node_ = nullptr;
  const Unchanged* around_ = nullptr;
};

// Asks the rules about one object, within one budget.
class RuleAsker {
 public:
  using Place = CustomRules::Place;
  using Compiled = CustomRules::Compiled;

  RuleAsker(std::vector<Cause>& causes, std::vector<std::string>* tolerated)
      : causes_(causes), tolerated_(tolerated) {}

  void ask(const Place* place, const Value& value, const Value* old, const std::string& path,
           const Unchanged& unchanged) {
    if (place == nullptr || value.is_null() || is_spent_) return;
    if (old != nullptr && old->is_null()) old = nullptr;
    if (place->is_mistyped) {
      causes_.push_back(cause::invalid(path, "\"" + std::string(type_of(*place->node)) + "\"",
                                       "rule compiler initialization error: failed to convert to "
                                       "declType for CEL validation rules"));
    }
    for (const Compiled& rule : place->rules) {
      if (is_spent_) return;
      ask_rule(*place, rule, value, old, path, unchanged);
    }
    if (value.is_array() && place->items) ask_items(*place, value, old, path, unchanged);
    if (value.is_object()) ask_members(*place, value, old, path, unchanged);
  }

 private:
  void ask_items(const Place& place, const Value& value, const Value* old, const std::string& path,
                 const Unchanged& unchanged) {
    const api::structural::ItemCorrelation correlation(*place.node, old);
    std::size_t index = 0;
    for (const Value& item : value.items()) {
      const Value* was = correlation.of(item);
      ask(place.items.get(), item, was, path + "[" + std::to_string(index++) + "]",
          unchanged.below(item, was, place.node->items));
    }
  }

  void ask_members(const Place& place, const Value& value, const Value* old,
                   const std::string& path, const Unchanged& unchanged) {
    std::optional<api::MemberIndex> before;
    if (old != nullptr && old->is_object()) before.emplace(*old);
    for (const api::Member& member : value.members()) {
      const Value* was = before ? before->find(member.key) : nullptr;
      const Node* node = place.node->property(member.key);
      const auto property = place.properties.find(member.key);
      // In which version an object is shown is nothing that an update changes.
      const bool is_type =
          unchanged.is_root() && (member.key == "apiVersion" || member.key == "kind");
      if (property != place.properties.end()) {
        ask(property->second.get(), member.value, was, child(path, member.key),
            is_type ? Unchanged::never() : unchanged.below(member.value, was, node));
      } else if (place.additional && node == nullptr) {
        ask(place.additional.get(), member.value, was, path + "[" + std::string(member.key) + "]",
            unchanged.below(member.value, was, place.node->additional));
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
                const std::string& path, const Unchanged& unchanged) {
    const Rule& rule = *compiled.rule;
    // Rules about changes are asked where there is something that changed.
    if (compiled.uses_old && old == nullptr && !rule.optional_old_self) return;
    const std::string at = path.empty() ? "<nil>" : path;
    const std::string type = "\"" + std::string(type_of(*place.node)) + "\"";
    const auto refuse = [&](const std::string& why) {
      causes_.push_back(cause::invalid(at, type, why));
    };
    if (budget_ == 0) return spend(at, type);
    const cel::Outcome outcome = evaluate(compiled.program, place, rule, value, old);
    if (outcome.cancelled) {
      if (budget_ == 0) return spend(at, type);
      is_spent_ = true;
      refuse(
          "'operation cancelled: actual cost limit exceeded': no further validation rules will "
          "be run due to call cost exceeds limit for rule: " +
          text_of(rule));
    } else if (outcome.value.is_error()) {
      const std::string error(outcome.value.error_message());
      if (error.starts_with("no such overload")) {
        refuse("'" + error +
               "': call arguments did not match a supported operator, function or macro signature "
               "for rule: " +
               text_of(rule));
      } else {
        refuse(error + " evaluating rule: " + text_of(rule));
      }
    } else if (!outcome.is_true()) {
      fail(place, compiled, value, old, path, unchanged);
    }
  }

  void spend(const std::string& at, const std::string& type) {
    is_spent_ = true;
    causes_.push_back(cause::invalid(at, type, std::string(cel::kOutOfBudget)));
  }

  void fail(const Place& place, const Compiled& compiled, const Value& value, const Value* old,
            const std::string& path, const Unchanged& unchanged) {
    const Rule& rule = *compiled.rule;
    std::string at = path;
    if (!compiled.field_path.empty()) at = child(path, compiled.field_path);
    if (at.empty()) at = "<nil>";
    const Message message = message_of(place, compiled, value, old);
    Cause cause =
        message.ends_all
            ? cause::invalid(at, "\"" + std::string(type_of(*place.node)) + "\"", message.text)
            : failure(rule, at, message.text, value, *place.node);
    if (message.ends_all) is_spent_ = true;
    // What was accepted once is not refused for what it was before.
    if (tolerated_ != nullptr && !compiled.uses_old && unchanged()) {
      tolerated_->push_back(cause.field + ": " + cause.message);
    } else {
      causes_.push_back(std::move(cause));
    }
  }

  static Cause failure(const Rule& rule, const std::string& at, const std::string& message,
                       const Value& value, const Node& node) {
    using api::structural::Type;
    const bool is_shown = node.type != Type::kObject && node.type != Type::kArray;
    const std::string shown = !is_shown           ? ""
                              : value.is_string() ? api::go_quoted(value.as_string())
                                                  : api::to_json_text(value);
    if (rule.reason == "FieldValueForbidden") return cause::forbidden(at, message);
    if (rule.reason == "FieldValueRequired") return cause::required(at, message);
    if (rule.reason == "FieldValueDuplicate") {
      return is_shown ? cause::duplicate(at, shown) : cause::duplicate_unshown(at);
    }
    return is_shown ? cause::invalid(at, shown, message) : cause::invalid_unshown(at, message);
  }

  struct Message {
    std::string text;
    bool ends_all = false;  // It cost too much to be made; nothing is asked any more.
  };

  Message message_of(const Place& place, const Compiled& compiled, const Value& value,
                     const Value* old) {
    const Rule& rule = *compiled.rule;
    const std::string plain =
        rule.message.empty() ? "failed rule: " + text_of(rule) : std::string(trim(rule.message));
    if (!compiled.message) return {plain};
    // Messages know only what there was, not that it may not have been there.
    const bool uses_old = compiled.message->references("oldSelf");
    if (uses_old && (old == nullptr || rule.optional_old_self)) return {plain};
    const std::uint64_t budget = budget_;
    const cel::Outcome outcome = evaluate(*compiled.message, place, rule, value, old);
    if (outcome.cancelled) {
      return {budget < cel::kPerCallCostLimit
                  ? "messageExpression evaluation failed due to running out of cost budget, no "
                    "further validation rules will be run"
                  : "no further validation rules will be run due to call cost exceeds limit for "
                    "messageExpression: " +
                        api::go_quoted(rule.message_expression),
              true};
    }
    if (!outcome.value.is(cel::Kind::kString)) return {plain};
    const std::string_view text = trim(outcome.value.as_text());
    const bool is_usable = !text.empty() && text.size() <= cel::kMaxMessageExpressionBytes &&
                           text.find('\n') == std::string_view::npos;
    return {is_usable ? std::string(text) : plain};
  }

  static std::string text_of(const Rule& rule) {
    return std::string(trim(rule.message.empty() ? rule.rule : rule.message));
  }
  static std::string_view type_of(const Node& node) {
    return api::structural::type_name(node.type);
  }

  std::vector<Cause>& causes_;
  std::vector<std::string>* tolerated_;
  cel::Workspace space_;
  std::uint64_t budget_ = cel::kRuntimeCostBudget;
  bool is_spent_ = false;
};

void CustomRules::validate(std::vector<Cause>& causes, const Value& value, const Value* old,
                           std::vector<std::string>* tolerated, const std::string& place) const {
  if (root_ == nullptr) return;
  RuleAsker(causes, tolerated)
      .ask(root_.get(), value, old, place,
           old == nullptr ? Unchanged::never() : Unchanged(value, *old, *root_->node));
}

}  // namespace pinnace::apiserver
