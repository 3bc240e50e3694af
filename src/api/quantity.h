// Quantity is an amount of a resource with Kubernetes' suffixes: "100m", "1.5", "2Gi", "1e3".
//
// Why exact: sums of requests are compared with capacities, so nothing may be rounded on the way.
// Units: kept as a whole number of nano-units (10^-9) in 128 bits.
// Errors: text that is no quantity gives 400 with Kubernetes' message.
// Bounds: what is finer than a nano-unit is rounded away from zero; what is beyond ±2^63-1 in
//   magnitude after parsing is capped to it; arithmetic saturates.
// Source: k8s.io/apimachinery/pkg/api/resource; the canonical form is the one described there.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pinnace::api {

class Quantity {
 public:
  enum class Format : std::uint8_t { kDecimalSi, kBinarySi, kDecimalExponent };

  Quantity() = default;
  static Result<Quantity> parse(std::string_view text);
  static Quantity from_value(std::int64_t value, Format format = Format::kDecimalSi);
  static Quantity from_milli(std::int64_t milli, Format format = Format::kDecimalSi);
  static Quantity bytes(std::int64_t value) { return from_value(value, Format::kBinarySi); }

  // The canonical text: "1500m", "1Gi", "0".
  std::string format() const;

  // Whole units and thousandths, rounded up (away from zero) and capped to an int64.
  std::int64_t value() const;
  std::int64_t milli_value() const;
  double as_double() const;

  bool is_zero() const { return nano_ == 0; }
  int sign() const { return nano_ == 0 ? 0 : (nano_ < 0 ? -1 : 1); }

  // The sum keeps the left side's format, unless that is zero.
  Quantity& operator+=(const Quantity& other);
  Quantity& operator-=(const Quantity& other);
  friend Quantity operator+(Quantity a, const Quantity& b) { return a += b; }
  friend Quantity operator-(Quantity a, const Quantity& b) { return a -= b; }
  Quantity operator-() const;

  // By amount: "1000m" equals "1".
  friend bool operator==(const Quantity& a, const Quantity& b) { return a.nano_ == b.nano_; }
  friend std::strong_ordering operator<=>(const Quantity& a, const Quantity& b) {
    return a.nano_ < b.nano_   ? std::strong_ordering::less
           : b.nano_ < a.nano_ ? std::strong_ordering::greater
                               : std::strong_ordering::equal;
  }

  Format format_kind() const { return format_; }

 private:
  __extension__ typedef __int128 Nano;

  static Quantity of(Nano nano, Format format);

  Nano nano_ = 0;
  Format format_ = Format::kDecimalSi;
};

}  // namespace pinnace::api
