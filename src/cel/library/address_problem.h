// Why a text is no IP address, in the words of Go's net/netip, which clients are shown.
#pragma once

#include <string>
#include <string_view>

namespace pinnace::cel {

// Such as `ParseAddr("1.2.3"): IPv4 address too short`. Of a text that is an address what is said
// has no meaning.
std::string address_problem(std::string_view text);

}  // namespace pinnace::cel
