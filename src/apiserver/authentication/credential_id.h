// How the credentials with which a user came are told apart, in the audit log and in what is asked
// about the user.
#pragma once

#include <string>
#include <string_view>

namespace pinnace::apiserver {

// Of a user's extra.
inline constexpr char kCredentialId[] = "authentication.kubernetes.io/credential-id";

inline std::string token_credential_id(std::string_view jti) { return "JTI=" + std::string(jti); }

}  // namespace pinnace::apiserver
