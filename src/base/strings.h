// Small text functions that more than one module needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinnace {

// Parts between separators; "" gives one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);

// The whole text as a decimal number; nothing for empty, signs in unsigned, overflow or a rest.
std::optional<std::int64_t> parse_int(std::string_view text);
std::optional<std::uint64_t> parse_uint(std::string_view text);

// Standard base64 with padding; `base64url_*` is RFC 4648 §5 without padding.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);
std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);
std::string hex_encode(std::string_view bytes);

// Percent-coding for URLs. `query_decode` also turns '+' into a space. Nothing on a bad escape.
std::string percent_encode(std::string_view text);
std::optional<std::string> percent_decode(std::string_view text);
std::optional<std::string> query_decode(std::string_view text);

// 32-bit FNV-1a, as Kubernetes uses for pod-template hashes; 64-bit for hash tables of ours.
std::uint32_t fnv1a_32(std::string_view bytes);
std::uint64_t fnv1a_64(std::string_view bytes);
// A number written in the alphabet of `random_suffix`, as rand.SafeEncodeString does.
std::string safe_encode(std::string_view decimal);

bool is_valid_utf8(std::string_view bytes);

}  // namespace pinnace
