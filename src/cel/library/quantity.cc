// quantity("1.5Gi") and what may be asked of it.
//
// Source: k8s.io/apiserver/pkg/cel/library/quantity.go.
#include "api/quantity.h"

#include <compare>

#include "cel/internal/functions.h"

namespace pinnace::cel::internal {
namespace {

const Type kQuantityType{.kind = TypeKind::kOpaque, .name = "kubernetes.Quantity"};

class QuantityValue final : public Opaque {
 public:
  explicit QuantityValue(const api::Quantity& value) : amount(value) {}
  const Type& type() const override { return kQuantityType; }
  bool equals(const Opaque& other) const override {
    return amount == static_cast<const QuantityValue&>(other).amount;
  }

  api::Quantity amount;
};

Value make(const Call& call, const api::Quantity& amount) {
  return Value::opaque(*call.space.make<QuantityValue>(amount));
}
const api::Quantity& amount(const Call& call, std::size_t index) {
  return static_cast<const QuantityValue&>(call[index].as_opaque()).amount;
}

Value quantity(const Call& call) {
  const auto parsed = api::Quantity::parse(call.text(0));
  return parsed ? make(call, *parsed) : call.error(parsed.error().message);
}
Value is_quantity(const Call& call) {
  return Value::boolean(api::Quantity::parse(call.text(0)).has_value());
}
Value sign(const Call& call) { return Value::integer(amount(call, 0).sign()); }
Value is_greater(const Call& call) { return Value::boolean(amount(call, 0) > amount(call, 1)); }
Value is_less(const Call& call) { return Value::boolean(amount(call, 0) < amount(call, 1)); }
Value compare_to(const Call& call) {
  const auto order = amount(call, 0) <=> amount(call, 1);
  return Value::integer(order < 0 ? -1 : order > 0 ? 1 : 0);
}
Value as_float(const Call& call) { return Value::number(amount(call, 0).as_double()); }
bool is_whole(const api::Quantity& amount) {
  return api::Quantity::from_value(amount.value()) == amount;
}
Value is_integer(const Call& call) { return Value::boolean(is_whole(amount(call, 0))); }
Value as_integer(const Call& call) {
  if (!is_whole(amount(call, 0))) return Value::error("cannot convert value to integer");
  return Value::integer(amount(call, 0).value());
}
Value add(const Call& call) { return make(call, amount(call, 0) + amount(call, 1)); }
Value add_int(const Call& call) {
  return make(call, amount(call, 0) + api::Quantity::from_value(call.integer(1)));
}
Value subtract(const Call& call) { return make(call, amount(call, 0) - amount(call, 1)); }
Value subtract_int(const Call& call) {
  return make(call, amount(call, 0) - api::Quantity::from_value(call.integer(1)));
}

constexpr Declaration kDeclarations[] = {
    {"quantity", "string_to_quantity", "(string) -> kubernetes.Quantity", quantity},
    {"isQuantity", "is_quantity_string", "(string) -> bool", is_quantity},
    {"sign", "quantity_sign", "(kubernetes.Quantity) -> int", sign},
    {"isGreaterThan", "quantity_is_greater_than",
     "kubernetes.Quantity.(kubernetes.Quantity) -> bool", is_greater},
    {"isLessThan", "quantity_is_less_than", "kubernetes.Quantity.(kubernetes.Quantity) -> bool",
     is_less},
    {"compareTo", "quantity_compare_to", "kubernetes.Quantity.(kubernetes.Quantity) -> int",
     compare_to},
    {"asApproximateFloat", "quantity_get_float", "kubernetes.Quantity.() -> double", as_float},
    {"asInteger", "quantity_get_int", "kubernetes.Quantity.() -> int", as_integer},
    {"isInteger", "quantity_is_integer", "kubernetes.Quantity.() -> bool", is_integer},
    {"add", "quantity_add", "kubernetes.Quantity.(kubernetes.Quantity) -> kubernetes.Quantity",
     add},
    {"add", "quantity_add_int", "kubernetes.Quantity.(int) -> kubernetes.Quantity", add_int},
    {"sub", "quantity_sub", "kubernetes.Quantity.(kubernetes.Quantity) -> kubernetes.Quantity",
     subtract},
    {"sub", "quantity_sub_int", "kubernetes.Quantity.(int) -> kubernetes.Quantity", subtract_int},
};

}  // namespace

std::span<const Declaration> quantity_declarations() { return kDeclarations; }

}  // namespace pinnace::cel::internal
