#include "cel/internal/unifier.h"

#include <algorithm>

namespace pinnace::cel::internal {
namespace {

bool is_variable(const Type* type) { return type->kind == TypeKind::kParameter; }
bool is_wild(const Type* type) {
  return type->kind == TypeKind::kDyn || type->kind == TypeKind::kError;
}
bool has_parameters(const Type* type) {
  return type->kind == TypeKind::kList || type->kind == TypeKind::kMap ||
         type->kind == TypeKind::kOpaque || type->kind == TypeKind::kType;
}
// What null may stand for.
bool is_nullable(const Type* type) {
  return type->kind == TypeKind::kOpaque || type->kind == TypeKind::kObject ||
         type->kind == TypeKind::kDuration || type->kind == TypeKind::kTimestamp ||
         type->kind == TypeKind::kNull;
}

}  // namespace

const Type* Unifier::fresh_variable() {
  return types_.parameter("_var" + std::to_string(variables_++));
}

bool Unifier::assignable(const Type* from, const Type* to) {
  const std::size_t mark = trail_.size();
  const bool result = fits(from, to);
  if (!result) roll_back(mark);
  return result;
}

bool Unifier::assignable(std::span<const Type* const> from, std::span<const Type* const> to) {
  const std::size_t mark = trail_.size();
  const bool result = fits_all(from, to);
  if (!result) roll_back(mark);
  return result;
}

const Type* Unifier::bound(const Type* variable) const {
  const auto found = bindings_.find(variable);
  return found == bindings_.end() ? nullptr : found->second;
}

void Unifier::bind(const Type* variable, const Type* type) {
  trail_.push_back({variable, bound(variable)});
  bindings_[variable] = type;
}

void Unifier::roll_back(std::size_t mark) {
  for (; trail_.size() > mark; trail_.pop_back()) {
    const Undo& undo = trail_.back();
    if (undo.before == nullptr) {
      bindings_.erase(undo.variable);
    } else {
      bindings_[undo.variable] = undo.before;
    }
  }
}

bool Unifier::fits_all(std::span<const Type* const> from, std::span<const Type* const> to) {
  if (from.size() != to.size()) return false;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!fits(from[i], to[i])) return false;
  }
  return true;
}

bool Unifier::fits(const Type* from, const Type* to) {
  if (++steps_ > kMaxSteps) return false;
  if (is_variable(to)) {
    const Binding binding = fits_variable(from, to);
    if (binding == Binding::kYes) return true;
    if (binding == Binding::kNoAndBound) return false;
  }
  if (is_variable(from)) return fits_variable(to, from) == Binding::kYes;
  if (is_wild(from) || is_wild(to)) return true;
  if (from->kind == TypeKind::kNull) return is_nullable(to);
  if (to->kind == TypeKind::kNull) return is_nullable(from);
  if (from->kind != to->kind) return false;
  switch (from->kind) {
    case TypeKind::kType:
      return true;
    case TypeKind::kObject:
      return from->name == to->name;
    case TypeKind::kList:
    case TypeKind::kMap:
    case TypeKind::kOpaque:
      return from->name == to->name && fits_all(from->parameters, to->parameters);
    default:
      return true;
  }
}

Unifier::Binding Unifier::fits_variable(const Type* type, const Type* variable) {
  if (type == variable) return Binding::kYes;
  if (const Type* now = bound(variable)) {
    if (type == now) return Binding::kYes;
    if (!fits(type, now)) return Binding::kNoAndBound;
    const Type* wider = most_general(type, now);
    if (!occurs(variable, wider)) bind(variable, wider);
    return Binding::kYes;
  }
  if (occurs(variable, type)) return Binding::kNo;
  bind(variable, type);
  return Binding::kYes;
}

bool Unifier::occurs(const Type* variable, const Type* within) const {
  if (variable == within || ++steps_ > kMaxSteps) return true;
  if (is_variable(within)) {
    const Type* now = bound(within);
    return now != nullptr && occurs(variable, now);
  }
  return has_parameters(within) && std::ranges::any_of(within->parameters, [&](const Type* each) {
           return occurs(variable, each);
         });
}

bool Unifier::equal_or_wider(const Type* a, const Type* b) const {
  if (++steps_ > kMaxSteps) return true;
  if (is_wild(a) || is_variable(a)) return true;
  if (is_wild(b) || is_variable(b) || a->kind != b->kind) return false;
  if (a->kind == TypeKind::kType) return true;
  if (a->name != b->name || a->parameters.size() != b->parameters.size()) return false;
  for (std::size_t i = 0; i < a->parameters.size(); ++i) {
    if (!equal_or_wider(a->parameters[i], b->parameters[i])) return false;
  }
  return true;
}

const Type* Unifier::most_general(const Type* a, const Type* b) const {
  return equal_or_wider(a, b) ? a : b;
}

const Type* Unifier::substitute(const Type* type, bool free_to_dyn) {
  if (++steps_ > kMaxSteps) return &kErrorType;
  if (is_variable(type)) {
    if (const Type* now = bound(type)) return substitute(now, free_to_dyn);
    return free_to_dyn ? &kDynType : type;
  }
  if (!has_parameters(type) || type->parameters.empty()) return type;
  std::vector<const Type*> parameters;
  for (const Type* each : type->parameters) parameters.push_back(substitute(each, free_to_dyn));
  return types_.composed(*type, parameters);
}

const Type* Unifier::instantiate(const Type* type, std::span<const Type* const> variables,
                                 std::span<const Type* const> fresh) {
  const auto place = std::ranges::find(variables, type);
  if (place != variables.end()) return fresh[static_cast<std::size_t>(place - variables.begin())];
  if (type->parameters.empty()) return type;
  std::vector<const Type*> parameters;
  for (const Type* each : type->parameters) {
    parameters.push_back(instantiate(each, variables, fresh));
  }
  return types_.composed(*type, parameters);
}

}  // namespace pinnace::cel::internal
