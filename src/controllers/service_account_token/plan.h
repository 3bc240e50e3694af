// What a Secret of type kubernetes.io/service-account-token must hold, and for whom.
//
// Source: kubernetes.io/docs/concepts/configuration/secret, "ServiceAccount token Secrets".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "controllers/support/types.h"

namespace pinnace::controllers::service_account_token {

inline constexpr std::string_view kSecretType = "kubernetes.io/service-account-token";

// The name of the account that the Secret says it is for; "" if it is of another type.
std::string account_of(const core_v1::Secret& secret);
// It names the account and, if it says one, its uid.
bool is_for(const core_v1::Secret& secret, const core_v1::ServiceAccount& account);

using Sign = std::function<Result<std::string>(std::string_view claims_json)>;
// The Secret with what it lacks; nothing when it has all.
Result<std::optional<core_v1::Secret>> fill(const core_v1::Secret& secret,
                                            const core_v1::ServiceAccount& account,
                                            const std::string& root_ca_pem, const Sign& sign);

// The account without its references to the Secret; nothing when it has none.
std::optional<core_v1::ServiceAccount> without_secret(const core_v1::ServiceAccount& account,
                                                      std::string_view secret);

}  // namespace pinnace::controllers::service_account_token
