#include "cel/internal/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "cel/internal/evaluator.h"
#include "cel/internal/functions.h"

namespace pinnace::cel::internal {
namespace {

// Conversions of one literal are done ahead.
constexpr std::string_view kConversions[] = {"bool", "bytes",  "double",    "duration", "dyn",
                                             "int",  "string", "timestamp", "type",     "uint"};

struct SpecialCall {
  std::string_view overload;
  Special special;
};
constexpr SpecialCall kSpecialCalls[] = {
    {"not_strictly_false", Special::kNotStrictlyFalse},
    {"optional_or_optional", Special::kOptionalOr},
    {"optional_orValue_value", Special::kOptionalOrValue},
};

class Planner {
 public:
  Planner(ProgramData& program, Source& source) : program_(program), source_(source) {}

  void plan(Expr* expr) {
    if (!seen_.insert(expr).second) return;  // Macros use a part twice.
    if (expr->kind == ExprKind::kIdentifier && expr->is_global) note_variable(expr->name);
    if (expr->target != nullptr) plan(expr->target);
    for (Expr* argument : expr->arguments) plan(argument);
    for (const Entry& entry : expr->entries) {
      if (entry.key != nullptr) plan(entry.key);
      plan(entry.value);
    }
    if (const Comprehension* parts = expr->comprehension) {
      for (Expr* part :
           {parts->range, parts->initial, parts->condition, parts->step, parts->result}) {
        plan(part);
      }
    }
    if (expr->kind == ExprKind::kList || expr->kind == ExprKind::kMap) return literal(expr);
    if (expr->kind == ExprKind::kCall) call(expr);
  }

 private:
  void note_variable(std::string_view name) {
    if (name.starts_with('.')) name.remove_prefix(1);
    auto& known = program_.variables;
    if (std::ranges::find(known, name) == known.end()) known.emplace_back(name);
  }

  // No program can be made, though the expression is in order.
  void fail(std::string why) {
    if (program_.fault.empty()) program_.fault = std::move(why);
  }

  // Evaluates what has no variables; false when that fails.
  bool compute(Expr* expr) {
    Evaluator evaluator(program_.constants, {}, 0, UINT64_MAX);
    const Value value = evaluator.run(*expr);
    if (value.is_error()) {
      failure_ = value.error_message();
      return false;
    }
    expr->literal = value;
    expr->constant = true;
    return true;
  }

  void literal(Expr* expr) {
    const auto is_constant = [](const Expr* each) { return each->constant; };
    const bool constant =
        expr->optional_arguments.empty() && std::ranges::all_of(expr->arguments, is_constant) &&
        std::ranges::all_of(expr->entries, [&](const Entry& entry) {
          return !entry.optional && is_constant(entry.key) && is_constant(entry.value);
        });
    if (constant) compute(expr);
  }

  void call(Expr* expr) {
    if (expr->overloads.empty()) return;
    const std::string_view overload = expr->overloads[0]->id;
    for (const SpecialCall& each : kSpecialCalls) {
      if (each.overload == overload) expr->special = each.special;
    }
    if (overload == "in_list" && expr->overloads.size() == 1) return membership(expr);
    const bool is_find = expr->name == "find" || expr->name == "findAll";
    if (expr->name == "matches" || is_find) return pattern(expr);
    if (expr->name == "_[_]" || expr->name == "_[?_]") return check_key(*expr->arguments[1]);
    if (std::ranges::find(kConversions, expr->name) == std::end(kConversions)) return;
    if (expr->target != nullptr || expr->arguments.size() != 1) return;
    if (!expr->arguments[0]->constant || compute(expr)) return;
    if (expr->name == "duration" || expr->name == "timestamp") {
      source_.report(expr->arguments[0]->offset, fmt::format("invalid {} argument", expr->name));
    } else {
      fail(std::string(failure_));
    }
  }

  // What nothing can be selected by.
  void check_key(const Expr& key) {
    if (!key.constant) return;
    if (key.literal.is(Kind::kNull)) fail("invalid qualifier type: types.Null");
    if (key.literal.is(Kind::kBytes)) fail("invalid qualifier type: types.Bytes");
  }

  // `x in [1, 2]`: the items become keys that are found at once.
  void membership(Expr* expr) {
    const Expr& list = *expr->arguments[1];
    if (!list.constant || !list.literal.is(Kind::kList)) return;
    MapBuilder keys(program_.constants, list.literal.list_size());
    for (std::size_t i = 0; i < list.literal.list_size(); ++i) {
      const Value item = list.literal.item(program_.constants, i);
      if (!item.is_number() && !item.is(Kind::kString) && !item.is(Kind::kBool)) return;
      keys.add(item, Value::null());
    }
    expr->prepared = keys.finish();
    expr->special = Special::kSetMembership;
  }

  void pattern(Expr* expr) {
    const Expr& argument = *(expr->target != nullptr ? expr->arguments[0] : expr->arguments[1]);
    if (argument.kind != ExprKind::kLiteral || !argument.literal.is(Kind::kString)) return;
    std::string error;
    auto prepared = prepare_pattern(argument.literal.as_text(), &error);
    if (prepared == nullptr) {
      if (expr->name == "matches")
        source_.report(argument.offset, "invalid matches argument");
      else
        fail(std::move(error));
      return;
    }
    expr->prepared = prepared.get();
    program_.prepared.push_back(std::move(prepared));
  }

  ProgramData& program_;
  Source& source_;
  std::string_view failure_;
  std::unordered_set<const Expr*> seen_;
};

}  // namespace

void plan(Expr* expr, ProgramData& program, Source& source) { Planner(program, source).plan(expr); }

}  // namespace pinnace::cel::internal
