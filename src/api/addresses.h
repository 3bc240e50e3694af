// IP addresses and ranges of them as the API takes them: also in forms that are no longer to be
// written, about which a client is then warned.
//
// Source: k8s.io/apimachinery/pkg/util/validation (ip.go), k8s.io/utils/net; RFC 5952.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinnace::api {

struct Address {
  int family = 4;                      // 4 or 6
  std::array<std::uint8_t, 16> bytes;  // The first four of IPv4.
  bool is_plain = true;                // No leading zeros and no IPv4 in IPv6.

  int bits() const { return family == 4 ? 32 : 128; }
  // The one form that is to be written.
  std::string text() const;
  // The address so many places after this one; from behind the last it goes on with the first.
  Address after(std::uint64_t places) const;
};
// "010.0.0.1" is taken as 10.0.0.1, "::ffff:10.0.0.1" too.
std::optional<Address> parse_address(std::string_view text);

struct AddressRange {
  Address address;
  int prefix_bits = 0;

  // The first address of the range, and the last.
  Address base() const;
  Address last() const;
  bool contains(const Address& other) const;
  // Of two ranges that overlap one contains the other.
  bool contains(const AddressRange& other) const;
  bool overlaps(const AddressRange& other) const {
    return contains(other) || other.contains(*this);
  }
};
std::optional<AddressRange> parse_range(std::string_view text);

// What others cannot reach: no host at all, this host, this link. Empty where they can.
std::string special_use(std::string_view text);

// Warnings about what is taken but should be written otherwise, each with `field` before it.
std::vector<std::string> address_warnings(std::string_view field, std::string_view text);
std::vector<std::string> range_warnings(std::string_view field, std::string_view text);

}  // namespace pinnace::api
