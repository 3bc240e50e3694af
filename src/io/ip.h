// Ipv4 and Cidr are IPv4 addresses and networks as numbers, with their texts.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pinnace::io {

struct Ipv4 {
  std::uint32_t value = 0;  // Host byte order: 10.0.0.1 is 0x0a000001.
  auto operator<=>(const Ipv4&) const = default;
  std::string text() const;
  // "10-0-0-1", as in pods' DNS names.
  std::string dashed() const;
  bool is_loopback() const { return value >> 24 == 127; }
  bool is_any() const { return value == 0; }
  // Four decimal parts without leading zeros, separated by dots (or `separator`); nothing else.
  static std::optional<Ipv4> parse(std::string_view text, char separator = '.');
};

struct Cidr {
  Ipv4 base;
  int prefix = 32;
  bool operator==(const Cidr&) const = default;
  std::uint32_t mask() const { return prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix); }
  bool contains(Ipv4 address) const { return (address.value & mask()) == (base.value & mask()); }
  std::string text() const { return base.text() + '/' + std::to_string(prefix); }
  // "10.96.0.0/16"; host bits are cleared.
  static std::optional<Cidr> parse(std::string_view text);
};

}  // namespace pinnace::io
