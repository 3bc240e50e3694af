#include "apiserver/registry/write_options.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "api/go_text.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

std::string_view options_kind(WriteKind kind) {
  switch (kind) {
    case WriteKind::kCreate:
      return "CreateOptions.meta.k8s.io";
    case WriteKind::kUpdate:
      return "UpdateOptions.meta.k8s.io";
    case WriteKind::kPatch:
    case WriteKind::kApply:
      break;
  }
  return "PatchOptions.meta.k8s.io";
}

struct Rune {
  std::uint32_t code;
  std::size_t bytes;
};

// The next character of valid UTF-8; a broken byte counts as one that cannot be printed.
Rune next_rune(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first < 0x80) return {first, 1};
  if (first < 0xc0 || bytes > text.size()) return {0xfffd, 1};
  std::uint32_t code = first & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    code = (code << 6U) | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  return {code, bytes};
}

// As Go's unicode.IsPrint for what is assigned: no controls, no format characters, no private use,
// and of the spaces only the one of ASCII.
bool is_printable(std::uint32_t code) {
  static constexpr auto kNot = std::to_array<std::pair<std::uint32_t, std::uint32_t>>({
      {0x00, 0x1f},     {0x7f, 0xa0},     {0xad, 0xad},     {0x600, 0x605},      {0x61c, 0x61c},
      {0x6dd, 0x6dd},   {0x70f, 0x70f},   {0x8e2, 0x8e2},   {0x1680, 0x1680},    {0x180e, 0x180e},
      {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000},    {0xd800, 0xf8ff},
      {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0x10ffff},
  });
  return std::ranges::none_of(
      kNot, [code](const auto& range) { return range.first <= code && code <= range.second; });
}

std::string rune_name(std::uint32_t code) {
  std::string digits;
  for (; code != 0 || digits.size() < 4; code >>= 4U) digits += "0123456789ABCDEF"[code & 15U];
  return "U+" + std::string(digits.rbegin(), digits.rend());
}

void check_field_validation(std::vector<Cause>& causes, std::string_view said) {
  if (said.empty() || said == "Ignore" || said == "Strict" || said == "Warn") return;
  causes.push_back(
      cause::not_supported("fieldValidation", quoted(said), {"", "Ignore", "Strict", "Warn"}));
}

}  // namespace

void check_field_manager(std::vector<Cause>& causes, const std::string& field,
                         std::string_view manager) {
  if (manager.size() > kMaxFieldManagerBytes) {
    causes.push_back(cause::too_long(field, kMaxFieldManagerBytes));
  }
  for (std::size_t at = 0; at < manager.size();) {
    const Rune rune = next_rune(manager.substr(at));
    if (!is_printable(rune.code)) {
      causes.push_back(cause::invalid(field, api::go_quoted(manager),
                                      "invalid character " + rune_name(rune.code) +
                                          " (at position " + std::to_string(at) + ")"));
    }
    at += rune.bytes;
  }
}

void check_dry_run(const std::vector<std::string>& values, std::vector<Cause>& causes) {
  if (std::ranges::all_of(values, [](const auto& value) { return value == "All"; })) return;
  std::string shown;
  for (const auto& value : values) shown += (shown.empty() ? "[" : ",") + json_quoted(value);
  causes.push_back(cause::not_supported("dryRun", shown + "]", {"All"}));
}

Result<void> check_write_options(const Call& call, WriteKind kind) {
  std::vector<Cause> causes;
  const std::string_view manager = call.query.get("fieldManager");
  if (kind == WriteKind::kApply && manager.empty()) {
    causes.push_back(cause::required("fieldManager", "is required for apply patch"));
  }
  if (kind == WriteKind::kPatch && call.query.has("force")) {
    causes.push_back(cause::forbidden("force", "may not be specified for non-apply patch"));
  }
  check_field_manager(causes, "fieldManager", manager);
  check_dry_run(call.query.get_all("dryRun"), causes);
  check_field_validation(causes, call.query.get("fieldValidation"));
  if (causes.empty()) return {};
  return errors::invalid(options_kind(kind), "", std::move(causes));
}

std::string field_manager_of(const Call& call) {
  const std::string_view said = call.query.get("fieldManager");
  if (!said.empty()) return std::string(said);
  const std::string_view agent = call.request.headers.get("user-agent");
  const std::string_view prefix = agent.substr(0, agent.find('/'));
  std::string manager;
  for (std::size_t at = 0; at < prefix.size();) {
    const Rune rune = next_rune(prefix.substr(at));
    const std::string_view bytes = prefix.substr(at, rune.bytes);
    at += rune.bytes;
    if (!is_printable(rune.code)) continue;
    if (manager.size() + bytes.size() > kMaxFieldManagerBytes) break;
    manager += bytes;
  }
  return manager;
}

}  // namespace pinnace::apiserver
