// semver("1.2.3-rc.1") and what may be asked of it.
//
// Source: Semantic Versioning 2.0.0; k8s.io/apiserver/pkg/cel/library/semverlib.go.
#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <string>
#include <vector>

#include "base/strings.h"
#include "cel/internal/functions.h"

namespace pinnace::cel::internal {
namespace {

const Type kSemverType{.kind = TypeKind::kOpaque, .name = "kubernetes.Semver"};

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}
bool is_alphanumeric(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

struct Version {
  std::uint64_t numbers[3] = {};
  std::string_view prerelease, build;
};

// -1, 0 or 1, as the specification's item 11 says.
int compare_identifiers(std::string_view a, std::string_view b) {
  const bool a_number = is_digits(a), b_number = is_digits(b);
  if (a_number != b_number) return a_number ? -1 : 1;
  if (a_number && a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a == b ? 0 : a < b ? -1 : 1;
}

int compare_versions(const Version& a, const Version& b) {
  for (int i = 0; i < 3; ++i) {
    if (a.numbers[i] != b.numbers[i]) return a.numbers[i] < b.numbers[i] ? -1 : 1;
  }
  if (a.prerelease.empty() || b.prerelease.empty()) {
    if (a.prerelease.empty() == b.prerelease.empty()) return 0;
    return a.prerelease.empty() ? 1 : -1;
  }
  const auto left = split(a.prerelease, '.'), right = split(b.prerelease, '.');
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (const int order = compare_identifiers(left[i], right[i])) return order;
  }
  return left.size() == right.size() ? 0 : left.size() < right.size() ? -1 : 1;
}

using Parsed = std::expected<Version, std::string>;

// What is wrong with a number of the version; "" when nothing is.
std::string read_number(std::string_view text, std::string_view name, std::uint64_t* out) {
  if (!is_digits(text)) {
    return fmt::format("Invalid character(s) found in {} number \"{}\"", name, text);
  }
  if (text.size() > 1 && text[0] == '0') {
    return fmt::format("{} number must not contain leading zeroes \"{}\"",
                       name == "major"   ? "Major"
                       : name == "minor" ? "Minor"
                                         : "Patch",
                       text);
  }
  const auto number = parse_uint(text);
  if (!number) return fmt::format("strconv.ParseUint: parsing \"{}\": value out of range", text);
  *out = *number;
  return {};
}

Parsed parse_version(std::string_view text) {
  if (text.empty()) return std::unexpected("Version string empty");
  Version version;
  const std::size_t first = text.find('.');
  const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos) {
    return std::unexpected("No Major.Minor.Patch elements found");
  }
  std::string_view patch = text.substr(second + 1);
  if (const std::size_t plus = patch.find('+'); plus != std::string_view::npos) {
    version.build = patch.substr(plus + 1);
    patch = patch.substr(0, plus);
    for (const auto part : split(version.build, '.')) {
      if (part.empty()) return std::unexpected("Build meta data is empty");
      if (!is_alphanumeric(part)) {
        return std::unexpected(
            fmt::format("Invalid character(s) found in build meta data \"{}\"", part));
      }
    }
  }
  if (const std::size_t dash = patch.find('-'); dash != std::string_view::npos) {
    version.prerelease = patch.substr(dash + 1);
    patch = patch.substr(0, dash);
    for (const auto part : split(version.prerelease, '.')) {
      if (part.empty()) return std::unexpected("Prerelease is empty");
      if (is_digits(part) && part.size() > 1 && part[0] == '0') {
        return std::unexpected(
            fmt::format("Numeric PreRelease version must not contain leading zeroes \"{}\"", part));
      }
      if (!is_alphanumeric(part)) {
        return std::unexpected(
            fmt::format("Invalid character(s) found in prerelease \"{}\"", part));
      }
    }
  }
  const std::string_view parts[] = {text.substr(0, first),
                                    text.substr(first + 1, second - first - 1), patch};
  constexpr std::string_view kNames[] = {"major", "minor", "patch"};
  for (int i = 0; i < 3; ++i) {
    std::string error = read_number(parts[i], kNames[i], &version.numbers[i]);
    if (!error.empty()) return std::unexpected(std::move(error));
  }
  return version;
}

// "v1.02" becomes "1.2.0"; nothing for a short version with a prerelease or build.
std::string normalized(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  std::vector<std::string> parts;
  while (parts.size() < 2 && text.find('.') != std::string_view::npos) {
    parts.emplace_back(text.substr(0, text.find('.')));
    text.remove_prefix(text.find('.') + 1);
  }
  parts.emplace_back(text);
  for (std::string& part : parts) {
    if (part.size() < 2) continue;
    part.erase(0, std::min(part.find_first_not_of('0'), part.size()));
    if (part.empty() || part[0] < '0' || part[0] > '9') part.insert(0, "0");
  }
  if (parts.size() < 3 && parts.back().find_first_of("+-") != std::string::npos) return {};
  while (parts.size() < 3) parts.emplace_back("0");
  return join(parts, ".");
}

class SemverValue final : public Opaque {
 public:
  explicit SemverValue(const Version& value) : version(value) {}
  const Type& type() const override { return kSemverType; }
  bool equals(const Opaque& other) const override {
    return compare_versions(version, static_cast<const SemverValue&>(other).version) == 0;
  }

  Version version;
};

const Version& version(const Call& call, std::size_t index) {
  return static_cast<const SemverValue&>(call[index].as_opaque()).version;
}

Parsed parse_call(const Call& call) {
  if (call.count == 1 || !call[1].as_bool()) return parse_version(call.text(0));
  const std::string text = normalized(call.text(0));
  if (text.empty()) {
    return std::unexpected("short version cannot contain PreRelease/Build meta data");
  }
  return parse_version(call.space.copy(text));
}

Value semver(const Call& call) {
  const Parsed parsed = parse_call(call);
  if (!parsed) return call.error(parsed.error());
  return Value::opaque(*call.space.make<SemverValue>(*parsed));
}
Value is_semver(const Call& call) { return Value::boolean(parse_call(call).has_value()); }

template <int kPlace>
Value number(const Call& call) {
  return Value::integer(static_cast<std::int64_t>(version(call, 0).numbers[kPlace]));
}
Value compare_to(const Call& call) {
  return Value::integer(compare_versions(version(call, 0), version(call, 1)));
}
Value is_greater(const Call& call) {
  return Value::boolean(compare_versions(version(call, 0), version(call, 1)) > 0);
}
Value is_less(const Call& call) {
  return Value::boolean(compare_versions(version(call, 0), version(call, 1)) < 0);
}

constexpr Declaration kDeclarations[] = {
    {"semver", "string_to_semver", "(string) -> kubernetes.Semver", semver},
    {"semver", "string_bool_to_semver", "(string, bool) -> kubernetes.Semver", semver},
    {"isSemver", "is_semver_string", "(string) -> bool", is_semver},
    {"isSemver", "is_semver_string_bool", "(string, bool) -> bool", is_semver},
    {"isGreaterThan", "semver_is_greater_than", "kubernetes.Semver.(kubernetes.Semver) -> bool",
     is_greater},
    {"isLessThan", "semver_is_less_than", "kubernetes.Semver.(kubernetes.Semver) -> bool", is_less},
    {"compareTo", "semver_compare_to", "kubernetes.Semver.(kubernetes.Semver) -> int", compare_to},
    {"major", "semver_major", "kubernetes.Semver.() -> int", number<0>},
    {"minor", "semver_minor", "kubernetes.Semver.() -> int", number<1>},
    {"patch", "semver_patch", "kubernetes.Semver.() -> int", number<2>},
};

}  // namespace

std::span<const Declaration> semver_declarations() { return kDeclarations; }

}  // namespace pinnace::cel::internal
