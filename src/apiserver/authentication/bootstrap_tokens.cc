#include "apiserver/authentication/bootstrap_tokens.h"

#include <algorithm>

#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"
#include "net/digest.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kIdSize = 6, kSecretSize = 16;
constexpr std::string_view kGroupPrefix = "system:bootstrappers:";

bool is_lower_alphanumeric(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

// A group's name: "system:bootstrappers:" and lower-case words with '-' and ':' between.
bool is_bootstrap_group(std::string_view name) {
  if (!name.starts_with(kGroupPrefix)) return false;
  name.remove_prefix(kGroupPrefix.size());
  const auto is_inner = [](char c) {
    return c == '-' || c == ':' || is_lower_alphanumeric({&c, 1});
  };
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, is_inner) &&
         is_lower_alphanumeric(name.substr(0, 1)) &&
         is_lower_alphanumeric(name.substr(name.size() - 1));
}

std::string data_at(const api::Value& secret, std::string_view key) {
  const auto* data = secret.find("data");
  const std::string_view text = data == nullptr ? "" : data->string_at(key);
  return base64_decode(text).value_or("");
}

}  // namespace

std::optional<Result<VerifiedToken>> BootstrapTokens::check(std::string_view token,
                                                            const Audiences& audiences) {
  const bool is_one = token.size() == kIdSize + 1 + kSecretSize && token[kIdSize] == '.' &&
                      is_lower_alphanumeric(token.substr(0, kIdSize)) &&
                      is_lower_alphanumeric(token.substr(kIdSize + 1));
  if (!is_one) return errors::unauthorized();
  const std::string id(token.substr(0, kIdSize));
  const auto kept = store_.get({"secrets", "kube-system", "bootstrap-token-" + id});
  if (!kept) return errors::unauthorized();
  api::Arena arena;
  const auto secret = parse_stored(arena, **kept);
  if (!secret || is_being_deleted(*secret) ||
      secret->string_at("type") != "bootstrap.kubernetes.io/token" ||
      data_at(*secret, "token-id") != id ||
      data_at(*secret, "usage-bootstrap-authentication") != "true") {
    return errors::unauthorized();
  }
  const std::string expected = data_at(*secret, "token-secret");
  if (!net::equal_in_constant_time(expected, token.substr(kIdSize + 1))) {
    return errors::unauthorized();
  }
  if (const std::string text = data_at(*secret, "expiration"); !text.empty()) {
    WallTime expires;
    if (!parse_rfc3339(text, expires) || expires <= clock_.wall()) return errors::unauthorized();
  }
  VerifiedToken verified{{"system:bootstrap:" + id, "", {"system:bootstrappers"}, {}}, audiences};
  const std::string groups = data_at(*secret, "auth-extra-groups");
  for (const std::string_view group : split(groups, ',')) {
    if (groups.empty()) break;
    if (!is_bootstrap_group(group)) return errors::unauthorized();
    if (!verified.user.in_group(group)) verified.user.groups.emplace_back(group);
  }
  std::ranges::sort(verified.user.groups);
  return verified;
}

}  // namespace pinnace::apiserver
