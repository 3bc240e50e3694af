// Hashes and comparisons for secrets. Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace pinnace::net {

std::string sha1(std::string_view bytes);    // 20 bytes; for the WebSocket handshake only.
std::string sha256(std::string_view bytes);  // 32 bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);
// Takes the same time wherever the texts differ (their lengths are not secret).
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace pinnace::net
