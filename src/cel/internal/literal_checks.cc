#include "cel/internal/literal_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_set>

#include "cel/internal/format_text.h"

namespace pinnace::cel::internal {
namespace {

constexpr std::string_view kFormat = "format";

class LiteralChecks {
 public:
  explicit LiteralChecks(Source& source) : source_(source) {}

  void visit(const Expr* expr) {
    if (expr == nullptr || !seen_.insert(expr).second) return;  // Macros use a part twice.
    if (expr->kind == ExprKind::kList && formats_ == 0) list(*expr);
    if (expr->kind == ExprKind::kMap && formats_ == 0) map(*expr);
    const bool is_format = expr->kind == ExprKind::kCall && expr->name == kFormat;
    if (is_format && expr->target != nullptr) format(*expr);
    formats_ += is_format ? 1 : 0;
    visit(expr->target);
    for (const Expr* argument : expr->arguments) visit(argument);
    for (const Entry& entry : expr->entries) {
      visit(entry.key);
      visit(entry.value);
    }
    if (const Comprehension* parts = expr->comprehension) {
      for (const Expr* part :
           {parts->range, parts->initial, parts->condition, parts->step, parts->result}) {
        visit(part);
      }
    }
    formats_ -= is_format ? 1 : 0;
  }

 private:
  static const Type& type_of(const Expr& expr, bool optional) {
    const bool is_wrapped = optional && !expr.type->parameters.empty();
    return is_wrapped ? *expr.type->parameters[0] : *expr.type;
  }

  bool expect(const Expr& expr, const Type& expected, const Type& actual) {
    if (equivalent_type(expected, actual)) return true;
    source_.report(expr.offset, fmt::format("expected type '{}' but found '{}'", to_text(expected),
                                            to_text(actual)));
    return false;
  }

  // The first that is otherwise is told of.
  void list(const Expr& expr) {
    const auto type_at = [&](std::size_t i) -> const Type& {
      const bool optional = !expr.optional_arguments.empty() && expr.optional_arguments[i];
      return type_of(*expr.arguments[i], optional);
    };
    for (std::size_t i = 1; i < expr.arguments.size(); ++i) {
      if (!expect(*expr.arguments[i], type_at(0), type_at(i))) return;
    }
  }

  void map(const Expr& expr) {
    for (const Entry& entry : expr.entries) {
      const Entry& first = expr.entries[0];
      expect(*entry.key, *first.key->type, *entry.key->type);
      expect(*entry.value, type_of(*first.value, first.optional),
             type_of(*entry.value, entry.optional));
    }
  }

  // A literal that is formatted with a list that stands beside it.
  void format(const Expr& expr) {
    if (expr.target->kind != ExprKind::kLiteral || !expr.target->literal.is(Kind::kString)) return;
    if (expr.arguments.size() != 1 || expr.arguments[0]->kind != ExprKind::kList) return;
    const std::span<Expr* const> arguments = expr.arguments[0]->arguments;
    FormatReader reader(expr.target->literal.as_text(), arguments.size());
    std::string text;
    while (const auto clause = reader.next(text)) {
      const Expr* wrong = misfit(*clause, *arguments[clause->argument]);
      if (wrong == nullptr) continue;
      source_.report(wrong->offset, wrong_argument(clause->letter, runtime_name(*wrong->type)));
      return;
    }
    if (!reader.error().empty()) {
      source_.report(expr.offset, reader.error());
    } else if (arguments.size() > reader.clauses()) {
      source_.report(expr.offset,
                     fmt::format("too many arguments supplied to string.format (expected {}, got "
                                 "{})",
                                 reader.clauses(), arguments.size()));
    }
  }

  // The part of an argument that its clause cannot take.
  static const Expr* misfit(const FormatClause& clause, const Expr& argument) {
    if (!takes_kind(clause.letter, argument.type->kind)) return &argument;
    if (clause.letter != 's') return nullptr;
    for (const Expr* item :
         argument.kind == ExprKind::kList ? argument.arguments : std::span<Expr*>()) {
      if (const Expr* wrong = misfit(clause, *item)) return wrong;
    }
    for (const Entry& entry :
         argument.kind == ExprKind::kMap ? argument.entries : std::span<Entry>()) {
      for (const Expr* part : {entry.key, entry.value}) {
        if (const Expr* wrong = misfit(clause, *part)) return wrong;
      }
    }
    return nullptr;
  }

  Source& source_;
  std::unordered_set<const Expr*> seen_;
  int formats_ = 0;  // Calls of format() around the expression.
};

}  // namespace

void check_literals(const Expr& root, Source& source) { LiteralChecks(source).visit(&root); }

}  // namespace pinnace::cel::internal
