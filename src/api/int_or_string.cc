#include "api/int_or_string.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/strings.h"

namespace pinnace::api {
namespace {

std::optional<std::int32_t> parse_int32(std::string_view text) {
  const std::optional<std::int64_t> value = parse_int(text);
  if (!value || *value != static_cast<std::int32_t>(*value)) return std::nullopt;
  return static_cast<std::int32_t>(*value);
}

}  // namespace

IntOrString IntOrString::from_string(std::string_view text) {
  IntOrString result;
  result.is_string = true;
  result.string_value = text;
  return result;
}

IntOrString IntOrString::parse(std::string_view text) {
  const std::optional<std::int32_t> number = parse_int32(text);
  return number ? IntOrString(*number) : from_string(text);
}

std::string IntOrString::text() const {
  return is_string ? string_value : std::to_string(int_value);
}

std::int32_t IntOrString::as_int() const {
  return is_string ? parse_int32(string_value).value_or(0) : int_value;
}

Result<std::int32_t> scaled_value(const IntOrString& value, std::int32_t total, bool round_up) {
  if (!value.is_string) return value.int_value;
  std::string_view text = value.string_value;
  if (!text.ends_with('%')) {
    return errors::bad_request(
        "invalid value for IntOrString: invalid type: string is not a percentage");
  }
  text.remove_suffix(1);
  const std::optional<std::int32_t> percent = parse_int32(text);
  if (!percent) {
    return errors::bad_request("invalid value for IntOrString: invalid value \"" +
                               value.string_value + "\"");
  }
  const std::int64_t product = std::int64_t{*percent} * total;
  std::int64_t quotient = product / 100;
  const std::int64_t rest = product % 100;
  if (round_up && rest > 0) ++quotient;
  if (!round_up && rest < 0) --quotient;
  return static_cast<std::int32_t>(
      std::clamp<std::int64_t>(quotient, std::numeric_limits<std::int32_t>::min(),
                               std::numeric_limits<std::int32_t>::max()));
}

}  // namespace pinnace::api
