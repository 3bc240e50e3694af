#include "cel/internal/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cel/internal/functions.h"
#include "cel/internal/unifier.h"

namespace pinnace::cel::internal {
namespace {

struct Local {
  std::string_view name;
  const Type* type;
  std::uint32_t slot;
};

class Checker {
 public:
  Checker(const Scope& scope, TypePool& types, Source& source)
      : scope_(scope), types_(types), source_(source), unify_(types) {}

  std::uint32_t run(Expr* expr) {
    check(expr);
    for (Expr* each : checked_) each->type = unify_.substitute(each->type, true);
    if (unify_.is_exhausted()) {
      source_.report(expr->offset, "the types of the expression are too complex");
    }
    return slots_;
  }

 private:
  void report(const Expr* where, std::string message) {
    // Nothing fits any more then, which is nobody's mistake.
    if (unify_.is_exhausted()) return;
    source_.report(where->offset, std::move(message));
  }
  void set(Expr* expr, const Type* type) {
    expr->type = type;
    checked_.push_back(expr);
  }

  void check(Expr* expr) {
    if (expr->type != nullptr) return;  // Macros use a part twice.
    switch (expr->kind) {
      case ExprKind::kLiteral:
        return set(expr, &expr->literal.runtime_type());
      case ExprKind::kIdentifier:
        return identifier(expr);
      case ExprKind::kSelect:
        return select(expr);
      case ExprKind::kCall:
        return call(expr);
      case ExprKind::kAnd:
      case ExprKind::kOr:
        return logical(expr);
      case ExprKind::kConditional:
        return conditional(expr);
      case ExprKind::kList:
        return list(expr);
      case ExprKind::kMap:
        return map(expr);
      case ExprKind::kMessage:
        return message(expr);
      case ExprKind::kComprehension:
        return comprehension(expr);
    }
  }

  // A variable or a type; false when the name is neither.
  bool resolve(Expr* expr, std::string_view name) {
    const bool absolute = name.starts_with('.');
    if (absolute) name.remove_prefix(1);
    if (!absolute) {
      for (auto local = locals_.rbegin(); local != locals_.rend(); ++local) {
        if (local->name != name) continue;
        expr->slot = local->slot;
        set(expr, local->type);
        return true;
      }
    }
    Scope::Variable variable{};
    if (scope_.find_variable(name, &variable)) {
      expr->is_global = true;
      expr->slot = variable.slot;
      set(expr, variable.type);
      return true;
    }
    const Type* type = scope_.find_type(name, types_);
    if (type == nullptr) return false;
    expr->literal = Value::type(*type);
    expr->constant = true;
    set(expr, types_.type_of(type));
    return true;
  }

  void undeclared(Expr* expr, std::string_view name) {
    report(expr, fmt::format("undeclared reference to '{}' (in container '')", name));
    set(expr, &kErrorType);
  }

  void identifier(Expr* expr) {
    if (!resolve(expr, expr->name)) undeclared(expr, expr->name);
  }

  // "a.b.c" when the expression is nothing but names; else "".
  static std::string qualified_name(const Expr* expr) {
    if (expr->kind == ExprKind::kIdentifier) return std::string(expr->name);
    if (expr->kind != ExprKind::kSelect || expr->test_only || expr->optional) return {};
    const std::string prefix = qualified_name(expr->target);
    return prefix.empty() ? prefix : prefix + "." + std::string(expr->name);
  }
  const Local* find_local(std::string_view name) const {
    const auto found = std::find_if(locals_.rbegin(), locals_.rend(),
                                    [&](auto& each) { return each.name == name; });
    return found == locals_.rend() ? nullptr : &*found;
  }
  static const Expr* root(const Expr* expr) {
    while (expr->kind == ExprKind::kSelect) expr = expr->target;
    return expr;
  }

  void select(Expr* expr) {
    const std::string qualified = qualified_name(expr);
    if (!qualified.empty() && find_local(root(expr)->name) == nullptr && resolve(expr, qualified)) {
      expr->kind = ExprKind::kIdentifier;
      expr->name = types_.copy(qualified);
      expr->target = nullptr;
      return;
    }
    check(expr->target);
    const Type* type = field_type(expr);
    if (expr->test_only) type = &kBoolType;
    set(expr, unify_.substitute(type));
  }

  const Type* field_type(Expr* expr) {
    const Type* operand = unify_.substitute(expr->target->type);
    const bool optional = expr->optional || operand->is_optional();
    const Type* target = operand->is_optional() ? operand->parameters[0] : operand;
    const Type* result = &kDynType;
    switch (target->kind) {
      case TypeKind::kMap:
        result = target->parameters[1];
        break;
      case TypeKind::kObject:
        if (target->any_field) break;
        if (const Field* field = target->field(expr->name)) {
          result = field->type;
        } else {
          report(expr, fmt::format("undefined field '{}'", expr->name));
          result = &kErrorType;
        }
        break;
      case TypeKind::kParameter:
        unify_.assignable(&kDynType, target);
        break;
      case TypeKind::kDyn:
      case TypeKind::kError:
        break;
      default:
        report(expr, fmt::format("type '{}' does not support field selection", to_text(*target)));
        break;
    }
    return optional ? types_.optional(result) : result;
  }

  void call(Expr* expr) {
    for (Expr* argument : expr->arguments) check(argument);
    if (expr->target != nullptr) {
      // `a.b.f()` may be the function "a.b.f".
      const std::string prefix = qualified_name(expr->target);
      const Function* qualified =
          prefix.empty() ? nullptr : scope_.find_function(prefix + "." + std::string(expr->name));
      if (qualified != nullptr) {
        expr->target = nullptr;
        return resolve_call(expr, *qualified);
      }
      check(expr->target);
    }
    const Function* function = scope_.find_function(expr->name);
    if (function == nullptr) return undeclared(expr, expr->name);
    resolve_call(expr, *function);
  }

  void resolve_call(Expr* expr, const Function& function) {
    std::vector<const Type*> given;
    if (expr->target != nullptr) given.push_back(expr->target->type);
    for (const Expr* argument : expr->arguments) given.push_back(argument->type);
    std::vector<const Overload*> candidates;
    const Type* result = nullptr;
    for (const Overload& overload : function.overloads) {
      if (overload.member != (expr->target != nullptr)) continue;
      std::vector<const Type*> fresh;
      for (std::size_t i = 0; i < overload.variables.size(); ++i) {
        fresh.push_back(unify_.fresh_variable());
      }
      std::vector<const Type*> wanted;
      for (const Type* parameter : overload.parameters) {
        wanted.push_back(unify_.instantiate(parameter, overload.variables, fresh));
      }
      if (!unify_.assignable(given, wanted)) continue;
      candidates.push_back(&overload);
      const Type* type =
          unify_.substitute(unify_.instantiate(overload.result, overload.variables, fresh));
      if (result == nullptr) {
        result = type;
      } else if (!result->is_dyn() && !same_type(*result, *type)) {
        result = &kDynType;
      }
    }
    expr->function = &function;
    if (result == nullptr) {
      report(expr, fmt::format("found no matching overload for '{}' applied to '{}'", function.name,
                               signature(given, expr->target != nullptr)));
      result = &kErrorType;
    }
    keep(expr, candidates);
    set(expr, result);
  }

  // "string.(int)" or "(string, int)".
  std::string signature(std::span<const Type* const> given, bool member) {
    std::string text;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const std::string type = to_text(*unify_.substitute(given[i], true));
      if (member && i == 0) {
        text = type + ".";
      } else {
        text += (i == (member ? 1U : 0U) ? "(" : ", ") + type;
      }
    }
    if (given.size() == (member ? 1U : 0U)) text += "(";
    return text + ")";
  }

  void keep(Expr* expr, const std::vector<const Overload*>& candidates) {
    expr->overloads = types_.keep_all<const Overload*>(candidates);
  }

  void logical(Expr* expr) {
    for (Expr* argument : expr->arguments) {
      check(argument);
      if (unify_.assignable(argument->type, &kBoolType)) continue;
      mismatch(argument, &kBoolType, argument->type);
    }
    set(expr, &kBoolType);
  }

  void mismatch(const Expr* where, const Type* expected, const Type* actual) {
    report(where,
           fmt::format("expected type '{}' but found '{}'", to_text(*unify_.substitute(expected)),
                       to_text(*unify_.substitute(actual))));
  }

  void conditional(Expr* expr) {
    for (Expr* argument : expr->arguments) check(argument);
    const Type* variable = unify_.fresh_variable();
    const Type* given[] = {expr->arguments[0]->type, expr->arguments[1]->type,
                           expr->arguments[2]->type};
    const Type* wanted[] = {&kBoolType, variable, variable};
    if (unify_.assignable(given, wanted)) return set(expr, unify_.substitute(variable));
    report(expr, fmt::format("found no matching overload for '_?_:_' applied to '{}'",
                             signature(given, false)));
    set(expr, &kErrorType);
  }

  // The type of items of which each may have its own.
  const Type* join(const Type* previous, const Type* current) {
    if (previous == nullptr) return current;
    if (unify_.assignable(previous, current)) return unify_.most_general(previous, current);
    return &kDynType;
  }

  const Type* unwrap(const Expr* where, bool optional) {
    const Type* type = unify_.substitute(where->type);
    if (!optional) return type;
    if (type->is_optional()) return type->parameters[0];
    if (!type->is_dyn() && type->kind != TypeKind::kError) {
      mismatch(where, types_.optional(type), type);
    }
    return type;
  }

  void list(Expr* expr) {
    const Type* item = nullptr;
    for (std::size_t i = 0; i < expr->arguments.size(); ++i) {
      Expr* argument = expr->arguments[i];
      check(argument);
      const bool optional = !expr->optional_arguments.empty() && expr->optional_arguments[i];
      item = join(item, unwrap(argument, optional));
    }
    set(expr, types_.list(item != nullptr ? item : unify_.fresh_variable()));
  }

  void map(Expr* expr) {
    const Type *key = nullptr, *value = nullptr;
    for (const Entry& entry : expr->entries) {
      check(entry.key);
      key = join(key, entry.key->type);
      check(entry.value);
      value = join(value, unwrap(entry.value, entry.optional));
    }
    if (key == nullptr) {
      key = unify_.fresh_variable();
      value = unify_.fresh_variable();
    }
    set(expr, types_.map(key, value));
  }

  void message(Expr* expr) {
    const Type* type = scope_.find_type(expr->name, types_);
    if (type == nullptr) {
      undeclared(expr, expr->name);
    } else if (type->kind != TypeKind::kObject) {
      report(expr, fmt::format("'{}' is not a message type", runtime_name(*type)));
      set(expr, &kErrorType);
      type = nullptr;
    } else {
      set(expr, type);
    }
    for (const Entry& entry : expr->entries) {
      check(entry.value);
      if (type != nullptr) message_field(*type, entry);
    }
  }

  void message_field(const Type& type, const Entry& entry) {
    const Type* given = unwrap(entry.value, entry.optional);
    if (type.any_field) return;
    const Field* field = type.field(entry.name);
    if (field == nullptr) {
      source_.report(entry.offset, fmt::format("undefined field '{}'", entry.name));
    } else if (!unify_.assignable(field->type, given)) {
      source_.report(
          entry.offset,
          fmt::format("expected type of field '{}' is '{}' but provided type is '{}'", entry.name,
                      to_text(*field->type), to_text(*unify_.substitute(given, true))));
    }
  }

  void comprehension(Expr* expr) {
    Comprehension& parts = *expr->comprehension;
    check(parts.range);
    check(parts.initial);
    const Type *first = nullptr, *second = nullptr;
    iteration_types(parts, &first, &second);
    const std::size_t outer = locals_.size();
    parts.accumulator_slot = slots_++;
    locals_.push_back({expr->name, parts.initial->type, parts.accumulator_slot});
    const std::size_t inner = locals_.size();
    parts.variable_slot = slots_++;
    locals_.push_back({parts.variable, first, parts.variable_slot});
    if (!parts.variable_2.empty()) {
      parts.variable_2_slot = slots_++;
      locals_.push_back({parts.variable_2, second, parts.variable_2_slot});
    }
    check(parts.condition);
    expect(parts.condition, &kBoolType);
    check(parts.step);
    expect(parts.step, parts.initial->type);
    locals_.resize(inner);
    check(parts.result);
    locals_.resize(outer);
    set(expr, unify_.substitute(parts.result->type));
  }

  void expect(const Expr* expr, const Type* type) {
    if (!unify_.assignable(type, expr->type)) mismatch(expr, type, expr->type);
  }

  void iteration_types(const Comprehension& parts, const Type** first, const Type** second) {
    const bool two = !parts.variable_2.empty();
    const Type* range = unify_.substitute(parts.range->type);
    *first = *second = &kDynType;
    switch (range->is_any() ? TypeKind::kOpaque : range->kind) {
      case TypeKind::kList:
        *first = two ? &kIntType : range->parameters[0];
        *second = range->parameters[0];
        break;
      case TypeKind::kMap:
        *first = range->parameters[0];
        *second = range->parameters[1];
        break;
      case TypeKind::kDyn:
      case TypeKind::kError:
      case TypeKind::kParameter:
        unify_.assignable(&kDynType, range);
        break;
      default:
        report(parts.range,
               fmt::format("expression of type '{}' cannot be range of a comprehension (must be "
                           "list, map, or dynamic)",
                           to_text(*range)));
        *first = *second = &kErrorType;
        break;
    }
  }

  const Scope& scope_;
  TypePool& types_;
  Source& source_;
  Unifier unify_;
  std::vector<Local> locals_;
  std::vector<Expr*> checked_;
  std::uint32_t slots_ = 0;
};

}  // namespace

std::uint32_t check(Expr* expr, const Scope& scope, TypePool& types, Source& source) {
  return Checker(scope, types, source).run(expr);
}

}  // namespace pinnace::cel::internal
