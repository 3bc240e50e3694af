#include "api/version_order.h"

#include <tuple>

#include "base/strings.h"

namespace pinnace::api {
namespace {

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits == 0 || text[0] == '0') return std::nullopt;
  const auto number = parse_uint(text.substr(0, digits));
  text.remove_prefix(digits);
  return number ? std::optional(*number) : std::nullopt;
}

}  // namespace

std::optional<VersionRank> version_rank(std::string_view name) {
  if (!name.starts_with('v')) return std::nullopt;
  name.remove_prefix(1);
  const auto major = take_number(name);
  if (!major) return std::nullopt;
  if (name.empty()) return VersionRank{*major, Stability::kStable, 0};
  constexpr std::string_view kAlpha = "alpha", kBeta = "beta";
  const bool is_beta = name.starts_with(kBeta);
  if (!is_beta && !name.starts_with(kAlpha)) return std::nullopt;
  name.remove_prefix(is_beta ? kBeta.size() : kAlpha.size());
  const auto minor = take_number(name);
  if (!minor || !name.empty()) return std::nullopt;
  return VersionRank{*major, is_beta ? Stability::kBeta : Stability::kAlpha, *minor};
}

bool is_preferred_version(std::string_view a, std::string_view b) {
  const auto left = version_rank(a), right = version_rank(b);
  if (left.has_value() != right.has_value()) return left.has_value();
  if (!left) return a < b;
  return std::tie(left->stability, left->major, left->minor) >
         std::tie(right->stability, right->major, right->minor);
}

}  // namespace pinnace::api
