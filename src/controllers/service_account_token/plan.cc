#include "controllers/service_account_token/plan.h"

#include "controllers/support/patches.h"

namespace pinnace::controllers::service_account_token {
namespace {

constexpr char kAccountName[] = "kubernetes.io/service-account.name";
constexpr char kAccountUid[] = "kubernetes.io/service-account.uid";

std::string text_at(const std::map<std::string, std::string, std::less<>>& map,
                    std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? "" : found->second;
}

// Such a token has no end: it lives as long as its Secret.
std::string claims_for(const core_v1::Secret& secret, const core_v1::ServiceAccount& account) {
  const auto& meta = account.metadata;
  return R"({"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":)" +
         quoted(meta.namespace_) + R"(,"kubernetes.io/serviceaccount/secret.name":)" +
         quoted(secret.metadata.name) + R"(,"kubernetes.io/serviceaccount/service-account.name":)" +
         quoted(meta.name) + R"(,"kubernetes.io/serviceaccount/service-account.uid":)" +
         quoted(meta.uid) + R"(,"sub":)" +
         quoted("system:serviceaccount:" + meta.namespace_ + ':' + meta.name) + '}';
}

}  // namespace

std::string account_of(const core_v1::Secret& secret) {
  return secret.type == kSecretType ? text_at(secret.metadata.annotations, kAccountName) : "";
}

bool is_for(const core_v1::Secret& secret, const core_v1::ServiceAccount& account) {
  const std::string uid = text_at(secret.metadata.annotations, kAccountUid);
  return account_of(secret) == account.metadata.name &&
         (uid.empty() || uid == account.metadata.uid);
}

Result<std::optional<core_v1::Secret>> fill(const core_v1::Secret& secret,
                                            const core_v1::ServiceAccount& account,
                                            const std::string& root_ca_pem, const Sign& sign) {
  core_v1::Secret wanted = secret;
  if (!root_ca_pem.empty()) wanted.data["ca.crt"] = root_ca_pem;
  if (wanted.data["namespace"].empty()) wanted.data["namespace"] = secret.metadata.namespace_;
  if (wanted.data["token"].empty()) {
    auto token = sign(claims_for(secret, account));
    if (!token) return std::unexpected(std::move(token.error()));
    wanted.data["token"] = std::move(*token);
  }
  wanted.metadata.annotations[kAccountUid] = account.metadata.uid;
  if (wanted == secret) return std::nullopt;
  return wanted;
}

std::optional<core_v1::ServiceAccount> without_secret(const core_v1::ServiceAccount& account,
                                                      std::string_view secret) {
  core_v1::ServiceAccount wanted = account;
  std::erase_if(wanted.secrets, [&](const auto& each) { return each.name == secret; });
  if (wanted.secrets.size() == account.secrets.size()) return std::nullopt;
  return wanted;
}

}  // namespace pinnace::controllers::service_account_token
