#include "io/ip.h"

#include "base/strings.h"

namespace pinnace::io {
namespace {

std::string write(std::uint32_t value, char separator) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string(value >> shift & 0xff);
    if (shift > 0) text += separator;
  }
  return text;
}

}  // namespace

std::string Ipv4::text() const { return write(value, '.'); }
std::string Ipv4::dashed() const { return write(value, '-'); }

std::optional<Ipv4> Ipv4::parse(std::string_view text, char separator) {
  const auto parts = split(text, separator);
  if (parts.size() != 4) return std::nullopt;
  Ipv4 address;
  for (const auto part : parts) {
    if (part.empty() || part.size() > 3 || (part.size() > 1 && part[0] == '0')) {
      return std::nullopt;
    }
    const auto number = parse_uint(part);
    if (!number || *number > 255) return std::nullopt;
    address.value = address.value << 8 | static_cast<std::uint32_t>(*number);
  }
  return address;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto base = Ipv4::parse(text.substr(0, slash));
  const auto prefix = parse_uint(text.substr(slash + 1));
  if (!base || !prefix || *prefix > 32) return std::nullopt;
  Cidr cidr{*base, static_cast<int>(*prefix)};
  cidr.base.value &= cidr.mask();
  return cidr;
}

}  // namespace pinnace::io
