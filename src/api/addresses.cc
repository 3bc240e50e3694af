#include "api/addresses.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::size_t kMaxAddressBytes = 64;
constexpr std::size_t kMappedBytes = 12;  // Before an IPv4 address in an IPv6 one.

// "010.001.0.1" as "10.1.0.1"; the text itself where it has no such zeros.
std::string without_leading_zeros(std::string_view text) {
  std::vector<std::string> parts;
  for (std::string_view part : split(text, '.')) {
    while (part.size() > 1 && part.front() == '0') part.remove_prefix(1);
    parts.emplace_back(part);
  }
  return join(parts, ".");
}

std::string quote(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string range_text(const Address& address, int bits) {
  return address.text() + "/" + std::to_string(bits);
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.size() > kMaxAddressBytes || text.find('\0') != std::string_view::npos) return {};
  Address address;
  address.bytes.fill(0);
  if (text.find(':') == std::string_view::npos) {
    const std::string plain = without_leading_zeros(text);
    address.is_plain = plain == text;
    if (inet_pton(AF_INET, plain.c_str(), address.bytes.data()) != 1) return {};
    return address;
  }
  const auto colon = text.rfind(':');
  std::string plain(text);
  if (text.find('.') != std::string_view::npos) {
    plain = std::string(text.substr(0, colon + 1)) + without_leading_zeros(text.substr(colon + 1));
  }
  address.is_plain = plain == text;
  if (inet_pton(AF_INET6, plain.c_str(), address.bytes.data()) != 1) return {};
  address.family = 6;
  const bool is_mapped = address.bytes[10] == 0xff && address.bytes[11] == 0xff &&
                         std::all_of(address.bytes.begin(), address.bytes.begin() + 10,
                                     [](std::uint8_t byte) { return byte == 0; });
  if (!is_mapped) return address;
  std::copy(address.bytes.begin() + kMappedBytes, address.bytes.end(), address.bytes.begin());
  address.family = 4;
  address.is_plain = false;
  return address;
}

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes.data(), buffer, sizeof buffer);
  return buffer;
}

Address Address::after(std::uint64_t places) const {
  Address there = *this;
  std::uint64_t carry = places;
  for (auto i = static_cast<std::size_t>(bits() / 8); i-- > 0 && carry != 0;) {
    const std::uint64_t sum = (carry & 0xff) + there.bytes[i];
    there.bytes[i] = static_cast<std::uint8_t>(sum);
    carry = (carry >> 8) + (sum >> 8);
  }
  return there;
}

Address AddressRange::base() const {
  Address first = address;
  for (int bit = prefix_bits; bit < address.bits(); ++bit) {
    auto& byte = first.bytes[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<std::uint8_t>(byte & ~(0x80U >> (bit % 8)));
  }
  return first;
}

Address AddressRange::last() const {
  Address end = address;
  for (int bit = prefix_bits; bit < address.bits(); ++bit) {
    auto& byte = end.bytes[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<std::uint8_t>(byte | (0x80U >> (bit % 8)));
  }
  return end;
}

bool AddressRange::contains(const Address& other) const {
  return other.family == address.family &&
         AddressRange{other, prefix_bits}.base().bytes == base().bytes;
}

bool AddressRange::contains(const AddressRange& other) const {
  return prefix_bits <= other.prefix_bits && contains(other.address);
}

std::optional<AddressRange> parse_range(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const auto address = parse_address(text.substr(0, slash));
  const auto bits = parse_uint(text.substr(slash + 1));
  if (!address || !bits || *bits > static_cast<std::uint64_t>(address->bits())) return {};
  return AddressRange{*address, static_cast<int>(*bits)};
}

std::string special_use(std::string_view text) {
  const auto address = parse_address(text);
  if (!address) return "must be a valid IP address";
  const auto& bytes = address->bytes;
  const bool four = address->family == 4;
  const auto zeros = [&](std::size_t count) {
    return std::all_of(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count),
                       [](std::uint8_t byte) { return byte == 0; });
  };
  if (four ? zeros(4) : zeros(16)) return "may not be unspecified (" + std::string(text) + ")";
  if (four ? bytes[0] == 127 : zeros(15) && bytes[15] == 1) {
    return "may not be in the loopback range (127.0.0.0/8, ::1/128)";
  }
  if (four ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) {
    return "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
  }
  if (four ? bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0
           : bytes[0] == 0xff && (bytes[1] & 0x0f) == 2) {
    return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
  }
  return {};
}

std::vector<std::string> address_warnings(std::string_view field, std::string_view text) {
  const auto address = parse_address(text);
  const std::string start = std::string(field) + ": ";
  if (!address) return {};
  if (!address->is_plain) {
    return {start + "non-standard IP address " + quote(text) +
            " will be considered invalid in a future Kubernetes release: use " +
            quote(address->text())};
  }
  if (address->family == 6 && address->text() != text) {
    return {start + "IPv6 address " + quote(text) + " should be in RFC 5952 canonical format (" +
            quote(address->text()) + ")"};
  }
  return {};
}

std::vector<std::string> range_warnings(std::string_view field, std::string_view text) {
  const auto range = parse_range(text);
  const std::string start = std::string(field) + ": ";
  if (!range) return {};
  const Address base = range->base();
  const std::string bits(text.substr(text.find('/') + 1));
  std::vector<std::string> warnings;
  if (base.bytes != range->address.bytes) {
    warnings.push_back(start + "CIDR value " + quote(text) +
                       " is ambiguous in this context (should be " +
                       quote(range_text(base, range->prefix_bits)) + " or " +
                       quote(range_text(range->address, range->address.bits())) + "?)");
  }
  const bool has_zeros = bits.size() > 1 && bits.front() == '0';
  if (!range->address.is_plain || has_zeros) {
    warnings.push_back(start + "non-standard CIDR value " + quote(text) +
                       " will be considered invalid in a future Kubernetes release: use " +
                       quote(range_text(base, range->prefix_bits)));
  } else if (warnings.empty() && base.family == 6 && range_text(base, range->prefix_bits) != text) {
    warnings.push_back(start + "IPv6 CIDR value " + quote(text) +
                       " should be in RFC 5952 canonical format (" +
                       quote(range_text(base, range->prefix_bits)) + ")");
  }
  return warnings;
}

}  // namespace pinnace::api
