#include <algorithm>
#include <string>

#include "cel/internal/parser.h"

namespace pinnace::cel::internal {
namespace {

struct Arguments {
  Builder& build;
  Expr* target;
  std::span<Expr* const> list;

  Expr* operator[](std::size_t index) const { return list[index]; }
  std::size_t size() const { return list.size(); }
};

// The name that an argument is; "" (and a report) when it is none.
std::string_view variable(const Arguments& arguments, std::size_t index,
                          const char* complaint = "argument must be a simple name") {
  const Expr* expr = arguments[index];
  if (expr->kind != ExprKind::kIdentifier || expr->name.starts_with('.')) {
    arguments.build.report(expr, complaint);
    return {};
  }
  return expr->name;
}

// The two variables of a two-variable macro, into the comprehension.
bool variables(const Arguments& arguments, Comprehension* into) {
  into->variable = variable(arguments, 0);
  into->variable_2 = variable(arguments, 1);
  if (into->variable.empty() || into->variable_2.empty()) return false;
  if (into->variable != into->variable_2) return true;
  arguments.build.report(arguments[1], "duplicate variable name: " + std::string(into->variable));
  return false;
}

Expr* fold(const Arguments& arguments, Comprehension parts) {
  parts.range = arguments.target;
  if (parts.result == nullptr) parts.result = arguments.build.accumulator();
  return arguments.build.comprehension(parts);
}

// `filter ? step : @result`, or the step alone where there is no filter.
Expr* filtered(Builder& build, Expr* filter, Expr* step) {
  if (filter == nullptr) return step;
  return build.operation(ExprKind::kConditional, {filter, step, build.accumulator()});
}

// `@result + [item]`
Expr* append(Builder& build, Expr* item) {
  Expr* sum = build.call("_+_", {build.accumulator(), build.list({item})});
  sum->special = Special::kAppend;
  return sum;
}

enum class Quantifier { kAll, kExists, kExistsOne };

Expr* quantifier(const Arguments& arguments, Quantifier kind) {
  Builder& build = arguments.build;
  Comprehension parts{};
  if (arguments.size() == 3) {
    if (!variables(arguments, &parts)) return arguments[0];
  } else {
    parts.variable = variable(arguments, 0);
    if (parts.variable.empty()) return arguments[0];
  }
  Expr* predicate = arguments[arguments.size() - 1];
  switch (kind) {
    case Quantifier::kAll:
      parts.initial = build.literal(Value::boolean(true));
      parts.condition = build.call("@not_strictly_false", {build.accumulator()});
      parts.step = build.operation(ExprKind::kAnd, {build.accumulator(), predicate});
      break;
    case Quantifier::kExists:
      parts.initial = build.literal(Value::boolean(false));
      parts.condition =
          build.call("@not_strictly_false", {build.call("!_", {build.accumulator()})});
      parts.step = build.operation(ExprKind::kOr, {build.accumulator(), predicate});
      break;
    case Quantifier::kExistsOne: {
      Expr* one = build.literal(Value::integer(1));
      parts.initial = build.literal(Value::integer(0));
      parts.condition = build.literal(Value::boolean(true));
      parts.step = filtered(build, predicate, build.call("_+_", {build.accumulator(), one}));
      parts.result = build.call("_==_", {build.accumulator(), build.literal(Value::integer(1))});
      break;
    }
  }
  return fold(arguments, parts);
}

Expr* all(const Arguments& arguments) { return quantifier(arguments, Quantifier::kAll); }
Expr* exists(const Arguments& arguments) { return quantifier(arguments, Quantifier::kExists); }
Expr* exists_one(const Arguments& arguments) {
  return quantifier(arguments, Quantifier::kExistsOne);
}

Expr* collect(const Arguments& arguments, Expr* filter, Expr* item) {
  Builder& build = arguments.build;
  Comprehension parts{};
  parts.variable = variable(arguments, 0, "argument is not an identifier");
  if (parts.variable.empty()) return arguments[0];
  parts.initial = build.list({});
  parts.condition = build.literal(Value::boolean(true));
  parts.step = filtered(build, filter, append(build, item));
  return fold(arguments, parts);
}

Expr* map(const Arguments& arguments) {
  Expr* filter = arguments.size() == 3 ? arguments[1] : nullptr;
  return collect(arguments, filter, arguments[arguments.size() - 1]);
}

Expr* filter(const Arguments& arguments) { return collect(arguments, arguments[1], arguments[0]); }

enum class Transform { kList, kMap, kMapEntry };

Expr* transform(const Arguments& arguments, Transform kind) {
  Builder& build = arguments.build;
  Comprehension parts{};
  if (!variables(arguments, &parts)) return arguments[0];
  Expr* filter = arguments.size() == 4 ? arguments[2] : nullptr;
  Expr* value = arguments[arguments.size() - 1];
  parts.condition = build.literal(Value::boolean(true));
  parts.initial = kind == Transform::kList ? build.list({}) : build.node(ExprKind::kMap);
  Expr* step = nullptr;
  if (kind == Transform::kList) step = append(build, value);
  if (kind == Transform::kMap) {
    step = build.call("cel.@mapInsert",
                      {build.accumulator(), build.identifier(parts.variable), value});
  }
  if (kind == Transform::kMapEntry) {
    step = build.call("cel.@mapInsert", {build.accumulator(), value});
  }
  if (kind != Transform::kList) step->special = Special::kInsert;
  parts.step = filtered(build, filter, step);
  return fold(arguments, parts);
}

Expr* transform_list(const Arguments& arguments) { return transform(arguments, Transform::kList); }
Expr* transform_map(const Arguments& arguments) { return transform(arguments, Transform::kMap); }
Expr* transform_map_entry(const Arguments& arguments) {
  return transform(arguments, Transform::kMapEntry);
}

// has(a.b): whether b is there.
Expr* has(const Arguments& arguments) {
  Expr* select = arguments[0];
  if (select->kind == ExprKind::kSelect && !select->test_only && !select->optional) {
    select->test_only = true;
    return select;
  }
  arguments.build.report(select, "invalid argument to has() macro");
  return select;
}

// `result` in which `name` is `value`: a comprehension over nothing whose accumulator is `name`.
Expr* bound(Builder& build, std::string_view name, Expr* value, Expr* result) {
  Comprehension binding{};
  binding.variable = "#unused";
  binding.range = build.list({});
  binding.initial = value;
  binding.condition = build.literal(Value::boolean(false));
  binding.step = build.identifier(name);
  binding.result = result;
  Expr* expr = build.comprehension(binding);
  expr->name = name;  // The accumulator's name.
  return expr;
}

// cel.bind(x, value, result)
Expr* bind(const Arguments& arguments) {
  const Expr& target = *arguments.target;
  const bool is_macro = arguments.build.has_bindings() && target.kind == ExprKind::kIdentifier &&
                        target.name == "cel";
  if (!is_macro) return nullptr;
  const std::string_view name =
      variable(arguments, 0, "cel.bind() variable names must be simple identifiers");
  if (name.empty()) return arguments[0];
  return bound(arguments.build, name, arguments[1], arguments[2]);
}

// `target.optMap(x, f)`: `target.hasValue() ? optional.of(f with x = target.value()) : none`.
Expr* optional_map(const Arguments& arguments, bool flat) {
  Builder& build = arguments.build;
  const std::string_view name = variable(arguments, 0);
  if (name.empty()) return arguments[0];
  Expr* value = build.member_call(arguments.target, "value", {});
  Expr* mapped = bound(build, name, value, arguments[1]);
  return build.operation(
      ExprKind::kConditional,
      {build.member_call(arguments.target, "hasValue", {}),
       flat ? mapped : build.call("optional.of", {mapped}), build.call("optional.none", {})});
}

Expr* opt_map(const Arguments& arguments) { return optional_map(arguments, false); }
Expr* opt_flat_map(const Arguments& arguments) { return optional_map(arguments, true); }

// `target.sortBy(x, key)`: with the list as @__sortBy_input__, `input.@sortByAssociatedKeys(
// input.map(x, key))`.
Expr* sort_by(const Arguments& arguments) {
  constexpr std::string_view kInput = "@__sortBy_input__";
  Builder& build = arguments.build;
  Expr* const keys[] = {map({build, build.identifier(kInput), arguments.list})};
  return bound(build, kInput, arguments.target,
               build.member_call(build.identifier(kInput), "@sortByAssociatedKeys", keys));
}

struct Macro {
  std::string_view name;
  std::size_t arguments;
  bool member;
  Expr* (*expand)(const Arguments&);
};

constexpr Macro kMacros[] = {
    {"has", 1, false, has},
    {"all", 2, true, all},
    {"all", 3, true, all},
    {"exists", 2, true, exists},
    {"exists", 3, true, exists},
    {"exists_one", 2, true, exists_one},
    {"existsOne", 2, true, exists_one},
    {"existsOne", 3, true, exists_one},
    {"map", 2, true, map},
    {"map", 3, true, map},
    {"filter", 2, true, filter},
    {"transformList", 3, true, transform_list},
    {"transformList", 4, true, transform_list},
    {"transformMap", 3, true, transform_map},
    {"transformMap", 4, true, transform_map},
    {"transformMapEntry", 3, true, transform_map_entry},
    {"transformMapEntry", 4, true, transform_map_entry},
    {"sortBy", 2, true, sort_by},
    {"bind", 3, true, bind},
    {"optMap", 2, true, opt_map},
    {"optFlatMap", 2, true, opt_flat_map},
};

}  // namespace

Expr* expand_macro(Builder& build, Expr* target, std::string_view name,
                   std::span<Expr* const> arguments) {
  const auto macro = std::ranges::find_if(kMacros, [&](const Macro& each) {
    return each.name == name && each.arguments == arguments.size() &&
           each.member == (target != nullptr);
  });
  return macro == std::end(kMacros) ? nullptr : macro->expand({build, target, arguments});
}

}  // namespace pinnace::cel::internal
