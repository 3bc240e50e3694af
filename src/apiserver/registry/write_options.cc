#include "apiserver/registry/write_options.h"

#include <algorithm>
#include <vector>

#include "api/go_text.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"
#include "base/utf8.h"

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
  char32_t code;
  std::size_t bytes;
};

// The next character; a byte that belongs to none is read as U+FFFD, which can be printed.
Rune next_rune(std::string_view text) {
  const std::size_t bytes = utf8_length(text);
  if (bytes == 0) return {U'\ufffd', 1};
  return {utf8_point(text.substr(0, bytes)), bytes};
}

std::string rune_name(char32_t code) {
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
    if (!api::is_printable(rune.code)) {
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
    at += rune.bytes;
    if (!api::is_printable(rune.code)) continue;
    char bytes[4];
    const std::string_view written(bytes, write_utf8(bytes, rune.code));
    if (manager.size() + written.size() > kMaxFieldManagerBytes) break;
    manager += written;
  }
  return manager;
}

}  // namespace pinnace::apiserver
