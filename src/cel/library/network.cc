// ip("10.0.0.1") and cidr("10.0.0.0/8") and what may be asked of them.
//
// Source: k8s.io/apiserver/pkg/cel/library/ip.go and cidr.go; RFC 5952 for texts.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <expected>
#include <string>

#include "base/strings.h"
#include "cel/internal/functions.h"
#include "cel/library/address_problem.h"

namespace pinnace::cel::internal {
namespace {

const Type kIpType{.kind = TypeKind::kOpaque, .name = "net.IP"};
const Type kCidrType{.kind = TypeKind::kOpaque, .name = "net.CIDR"};

struct Address {
  std::array<std::uint8_t, 16> bytes{};
  std::size_t size = 4;  // 4 or 16

  bool operator==(const Address&) const = default;
  bool starts_with(std::initializer_list<std::uint8_t> prefix) const {
    return std::equal(prefix.begin(), prefix.end(), bytes.begin());
  }
  bool is_mapped() const {
    return size == 16 && starts_with({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF});
  }
  bool is_unspecified() const { return *this == Address{{}, size}; }
  bool is_loopback() const {
    if (size == 4) return bytes[0] == 127;
    Address one{{}, 16};
    one.bytes[15] = 1;
    return *this == one;
  }
  bool is_multicast() const { return size == 4 ? (bytes[0] & 0xF0) == 0xE0 : bytes[0] == 0xFF; }
  bool is_link_local_multicast() const {
    if (size == 4) return starts_with({224, 0, 0});
    return bytes[0] == 0xFF && (bytes[1] & 0x0F) == 0x02;
  }
  bool is_link_local_unicast() const {
    if (size == 4) return starts_with({169, 254});
    return bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80;
  }
  bool is_global_unicast() const {
    const bool broadcast = size == 4 && starts_with({255, 255, 255, 255});
    return !is_unspecified() && !is_loopback() && !is_multicast() && !is_link_local_unicast() &&
           !broadcast;
  }
  Address masked(std::size_t bits) const {
    Address result = *this;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t kept = std::min<std::size_t>(bits > i * 8 ? bits - i * 8 : 0, 8);
      result.bytes[i] &= static_cast<std::uint8_t>(0xFF00U >> kept);
    }
    return result;
  }
};

// The longest run of two or more zero groups is written "::".
std::string text_of_v6(const Address& address) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) {
    groups[i] = static_cast<unsigned>(address.bytes[2 * i] << 8 | address.bytes[2 * i + 1]);
  }
  std::size_t best = 8, best_length = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t length = 0;
    while (i + length < 8 && groups[i + length] == 0) ++length;
    if (length > best_length) {
      best = i;
      best_length = length;
    }
  }
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == best) {
      text += "::";
      i += best_length - 1;
      continue;
    }
    if (!text.empty() && !text.ends_with(':')) text += ':';
    text += fmt::format("{:x}", groups[i]);
  }
  return text;
}

std::string text_of_address(const Address& address) {
  if (address.size == 16) return text_of_v6(address);
  return fmt::format("{}.{}.{}.{}", address.bytes[0], address.bytes[1], address.bytes[2],
                     address.bytes[3]);
}

using ParsedAddress = std::expected<Address, std::string>;

ParsedAddress parse_address(std::string_view text) {
  const std::string terminated(text);
  Address address;
  if (terminated.size() == text.size() && terminated.find('\0') == std::string::npos) {
    if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) return address;
    address.size = 16;
    const std::string bare = terminated.substr(0, terminated.find('%'));
    if (inet_pton(AF_INET6, bare.c_str(), address.bytes.data()) == 1) {
      if (bare.size() + 1 < terminated.size()) {
        return std::unexpected(
            fmt::format("IP address \"{}\" with zone value is not allowed", text));
      }
      if (address.is_mapped()) {
        return std::unexpected(fmt::format("IPv4-mapped IPv6 address \"{}\" is not allowed", text));
      }
      if (bare.size() == terminated.size()) return address;
    }
  }
  return std::unexpected(
      fmt::format("IP Address \"{}\" parse error during conversion from string: {}", text,
                  address_problem(text)));
}

struct Network {
  Address address;
  std::size_t bits = 0;

  bool operator==(const Network&) const = default;
  bool contains(const Address& other) const {
    return other.size == address.size && other.masked(bits) == address.masked(bits);
  }
  bool contains(const Network& other) const {
    return contains(other.address) && bits <= other.bits;
  }
};

using ParsedNetwork = std::expected<Network, std::string>;

ParsedNetwork parse_network(std::string_view text) {
  constexpr std::string_view kWhy = "network address parse error during conversion from string: ";
  const auto wrong = [&](std::string_view why) {
    return std::unexpected(fmt::format("{}netip.ParsePrefix(\"{}\"): {}", kWhy, text, why));
  };
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return wrong("no '/'");
  const auto address = parse_address(text.substr(0, slash));
  if (!address) {
    if (address.error().starts_with("IPv4-mapped")) {
      return std::unexpected(fmt::format("IPv4-mapped IPv6 address \"{}\" is not allowed", text));
    }
    return wrong(address_problem(text.substr(0, slash)));
  }
  const std::string_view length = text.substr(slash + 1);
  const auto bits = parse_uint(length);
  if (!bits || (length.size() > 1 && length[0] == '0')) {
    return wrong(fmt::format("bad bits after slash: \"{}\"", length));
  }
  if (*bits > address->size * 8) return wrong("prefix length out of range");
  return Network{*address, static_cast<std::size_t>(*bits)};
}

class IpValue final : public Opaque {
 public:
  explicit IpValue(const Address& value) : address(value) {}
  const Type& type() const override { return kIpType; }
  bool equals(const Opaque& other) const override {
    return address == static_cast<const IpValue&>(other).address;
  }
  std::uint64_t size() const override { return address.size; }

  Address address;
};

class CidrValue final : public Opaque {
 public:
  explicit CidrValue(const Network& value) : network(value) {}
  const Type& type() const override { return kCidrType; }
  bool equals(const Opaque& other) const override {
    return network == static_cast<const CidrValue&>(other).network;
  }
  std::uint64_t size() const override { return (network.bits + 7) / 8; }

  Network network;
};

Value make(const Call& call, const Address& address) {
  return Value::opaque(*call.space.make<IpValue>(address));
}
Value make(const Call& call, const Network& network) {
  return Value::opaque(*call.space.make<CidrValue>(network));
}
const Address& address(const Call& call, std::size_t index) {
  return static_cast<const IpValue&>(call[index].as_opaque()).address;
}
const Network& network(const Call& call, std::size_t index) {
  return static_cast<const CidrValue&>(call[index].as_opaque()).network;
}

Value ip(const Call& call) {
  const auto parsed = parse_address(call.text(0));
  return parsed ? make(call, *parsed) : call.error(parsed.error());
}
Value is_ip(const Call& call) { return Value::boolean(parse_address(call.text(0)).has_value()); }
Value is_canonical(const Call& call) {
  const auto parsed = parse_address(call.text(0));
  if (!parsed) return call.error(parsed.error());
  return Value::boolean(text_of_address(*parsed) == call.text(0));
}
Value ip_text(const Call& call) { return call.string(text_of_address(address(call, 0))); }
Value family(const Call& call) { return Value::integer(address(call, 0).size == 4 ? 4 : 6); }

template <bool (Address::*kIs)() const>
Value is(const Call& call) {
  return Value::boolean((address(call, 0).*kIs)());
}

Value cidr(const Call& call) {
  const auto parsed = parse_network(call.text(0));
  if (parsed) return make(call, *parsed);
  return call.error("network address parse error during conversion from string: " + parsed.error());
}
Value is_cidr(const Call& call) { return Value::boolean(parse_network(call.text(0)).has_value()); }
Value contains_ip(const Call& call) {
  return Value::boolean(network(call, 0).contains(address(call, 1)));
}
Value contains_ip_text(const Call& call) {
  const auto other = parse_address(call.text(1));
  if (!other) return call.error(other.error());
  return Value::boolean(network(call, 0).contains(*other));
}
Value contains_cidr(const Call& call) {
  return Value::boolean(network(call, 0).contains(network(call, 1)));
}
Value contains_cidr_text(const Call& call) {
  const auto other = parse_network(call.text(1));
  if (!other) return call.error(other.error());
  return Value::boolean(network(call, 0).contains(*other));
}
Value cidr_ip(const Call& call) { return make(call, network(call, 0).address); }
Value prefix_length(const Call& call) {
  return Value::integer(static_cast<std::int64_t>(network(call, 0).bits));
}
Value masked(const Call& call) {
  const Network& whole = network(call, 0);
  return make(call, Network{whole.address.masked(whole.bits), whole.bits});
}
Value cidr_text(const Call& call) {
  return call.string(
      fmt::format("{}/{}", text_of_address(network(call, 0).address), network(call, 0).bits));
}

constexpr std::string_view kQuestion = "net.IP.() -> bool";

constexpr Declaration kDeclarations[] = {
    {"ip", "string_to_ip", "(string) -> net.IP", ip},
    {"isIP", "is_ip", "(string) -> bool", is_ip},
    {"ip.isCanonical", "ip_is_canonical", "(string) -> bool", is_canonical},
    {"string", "ip_to_string", "(net.IP) -> string", ip_text},
    {"family", "ip_family", "net.IP.() -> int", family},
    {"isUnspecified", "ip_is_unspecified", kQuestion, is<&Address::is_unspecified>},
    {"isLoopback", "ip_is_loopback", kQuestion, is<&Address::is_loopback>},
    {"isLinkLocalMulticast", "ip_is_link_local_multicast", kQuestion,
     is<&Address::is_link_local_multicast>},
    {"isLinkLocalUnicast", "ip_is_link_local_unicast", kQuestion,
     is<&Address::is_link_local_unicast>},
    {"isGlobalUnicast", "ip_is_global_unicast", kQuestion, is<&Address::is_global_unicast>},
    {"cidr", "string_to_cidr", "(string) -> net.CIDR", cidr},
    {"isCIDR", "is_cidr", "(string) -> bool", is_cidr},
    {"string", "cidr_to_string", "(net.CIDR) -> string", cidr_text},
    {"containsIP", "cidr_contains_ip_string", "net.CIDR.(string) -> bool", contains_ip_text},
    {"containsIP", "cidr_contains_ip_ip", "net.CIDR.(net.IP) -> bool", contains_ip},
    {"containsCIDR", "cidr_contains_cidr_string", "net.CIDR.(string) -> bool", contains_cidr_text},
    {"containsCIDR", "cidr_contains_cidr", "net.CIDR.(net.CIDR) -> bool", contains_cidr},
    {"ip", "cidr_ip", "net.CIDR.() -> net.IP", cidr_ip},
    {"prefixLength", "cidr_prefix_length", "net.CIDR.() -> int", prefix_length},
    {"masked", "cidr_masked", "net.CIDR.() -> net.CIDR", masked},
};

}  // namespace

std::span<const Declaration> network_declarations() { return kDeclarations; }

}  // namespace pinnace::cel::internal
