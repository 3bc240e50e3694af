// Unifier knows what the type variables of one check stand for, and whether one type fits another.
//
// Bounds: types can refer to each other so that writing one out would take forever; after kMaxSteps
//   of work nothing fits any more and `is_exhausted` tells.
// Source: cel-go checker/types.go.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "cel/types.h"

namespace pinnace::cel::internal {

class Unifier {
 public:
  explicit Unifier(TypePool& types) : types_(types) {}

  const Type* fresh_variable();
  // Whether a value of type `from` may stand where `to` is wanted. If so, type variables are bound
  // as that needs; if not, nothing changes.
  bool assignable(const Type* from, const Type* to);
  bool assignable(std::span<const Type* const> from, std::span<const Type* const> to);
  // With variables replaced by what they stand for, and, if wanted, free ones by dyn.
  const Type* substitute(const Type* type, bool free_to_dyn = false);
  // A signature's type with its variables replaced by fresh ones.
  const Type* instantiate(const Type* type, std::span<const Type* const> variables,
                          std::span<const Type* const> fresh);
  bool is_exhausted() const { return steps_ > kMaxSteps; }
  // The wider of two types that fit each other.
  const Type* most_general(const Type* a, const Type* b) const;

 private:
  static constexpr std::uint64_t kMaxSteps = 1'000'000;

  struct Undo {
    const Type* variable;
    const Type* before;  // nullptr: it was free.
  };
  const Type* bound(const Type* variable) const;
  void bind(const Type* variable, const Type* type);
  void roll_back(std::size_t mark);
  bool fits(const Type* from, const Type* to);
  bool fits_all(std::span<const Type* const> from, std::span<const Type* const> to);
  enum class Binding { kYes, kNo, kNoAndBound };
  Binding fits_variable(const Type* type, const Type* variable);
  bool occurs(const Type* variable, const Type* within) const;
  bool equal_or_wider(const Type* a, const Type* b) const;

  TypePool& types_;
  std::unordered_map<const Type*, const Type*> bindings_;
  std::vector<Undo> trail_;
  int variables_ = 0;
  mutable std::uint64_t steps_ = 0;
};

}  // namespace pinnace::cel::internal
