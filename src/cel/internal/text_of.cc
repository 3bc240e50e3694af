#include "cel/internal/text_of.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "cel/internal/time_text.h"

namespace pinnace::cel::internal {

// The digits and the exponent are those of the shortest scientific form; Go's %g writes them with
// an exponent from 1e+06 on and below 1e-04.
std::string text_of_double(double number) {
  constexpr int kFixedDigits = 6;
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  char buffer[64];
  const auto scientific =
      std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific);
  const std::string_view shortest(buffer, static_cast<std::size_t>(scientific.ptr - buffer));
  const int exponent = std::atoi(std::string(shortest.substr(shortest.find('e') + 1)).c_str());
  if (exponent < -4 || exponent >= kFixedDigits) return std::string(shortest);
  const auto fixed =
      std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::fixed);
  return std::string(buffer, fixed.ptr);
}

std::string text_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kBool:
      return value.as_bool() ? "true" : "false";
    case Kind::kInt:
      return std::to_string(value.as_int());
    case Kind::kUint:
      return std::to_string(value.as_uint());
    case Kind::kDouble:
      return text_of_double(value.as_double());
    case Kind::kString:
    case Kind::kBytes:
      return std::string(value.as_text());
    case Kind::kDuration:
      return duration_text(value.as_duration());
    case Kind::kTimestamp:
      return timestamp_text(value.as_seconds(), value.as_nanoseconds());
    default:
      return {};
  }
}

}  // namespace pinnace::cel::internal
