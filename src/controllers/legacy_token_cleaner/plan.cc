#include "controllers/legacy_token_cleaner/plan.h"

#include <algorithm>
#include <optional>

#include "api/typed.h"
#include "controllers/service_account_token/plan.h"
#include "controllers/support/patches.h"

namespace pinnace::controllers::legacy_token_cleaner {
namespace {

constexpr std::string_view kLastUsed = "kubernetes.io/legacy-token-last-used";
constexpr std::size_t kDateLength = 10;

std::optional<WallTime> parse_date(std::string_view text) {
  WallTime time;
  const bool is_date =
      text.size() == kDateLength && parse_rfc3339(std::string(text) + "T00:00:00Z", time);
  return is_date ? std::optional(time) : std::nullopt;
}

std::string label_of(const core_v1::Secret& secret, std::string_view name) {
  const auto found = secret.metadata.labels.find(name);
  return found == secret.metadata.labels.end() ? "" : found->second;
}

// Only those that were made for an account by themselves stand in its list.
bool is_generated(const core_v1::Secret& secret, const core_v1::ServiceAccount* account) {
  return account != nullptr && service_account_token::is_for(secret, *account) &&
         std::ranges::any_of(account->secrets,
                             [&](const auto& each) { return each.name == secret.metadata.name; });
}

}  // namespace

std::string date_of(WallTime time) { return rfc3339(time).substr(0, kDateLength); }

Fate fate_of(const core_v1::Secret& secret, const core_v1::ServiceAccount* account, Duration period,
             WallTime now) {
  const WallTime limit = now - period;
  const std::string last_day = date_of(limit);
  if (secret.metadata.creation_timestamp.value >= limit ||
      !secret.metadata.deletion_timestamp.is_zero() || !is_generated(secret, account)) {
    return Fate::kKeep;
  }
  // Without the label it was not used since that is written down; with a strange one, who knows.
  const std::string used = label_of(secret, kLastUsed);
  if (!used.empty() && (!parse_date(used) || used >= last_day)) return Fate::kKeep;
  const std::string marked = label_of(secret, kInvalidSince);
  if (!parse_date(marked)) return Fate::kMark;
  return marked < last_day ? Fate::kRemove : Fate::kKeep;
}

bool is_tracked_long_enough(std::string_view since, Duration period, WallTime now) {
  const auto begin = parse_date(since);
  // From the end of that day on, whenever in it that began.
  return begin && now >= *begin + std::chrono::days(1) + period;
}

bool may_use(const core_v1::Pod& pod, std::string_view secret) {
  return api::to_json(pod).find(quoted(secret)) != std::string::npos;
}

}  // namespace pinnace::controllers::legacy_token_cleaner
