// Salsa20's core and the stream that XSalsa20 makes of it.
//
// Threads: any. Source: Bernstein, "The Salsa20 family of stream ciphers" and "Extending the
//   Salsa20 nonce".
#pragma once

#include <string>
#include <string_view>

namespace pinnace::net::internal {

// `text` combined with the stream of a 32-byte key and a 24-byte nonce.
std::string xsalsa20(std::string_view key, std::string_view nonce, std::string_view text);

}  // namespace pinnace::net::internal
