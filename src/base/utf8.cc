#include "base/utf8.h"

#include <algorithm>
#include <cstdint>

namespace pinnace {

std::size_t utf8_length(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (lead < 0x80) return 1;
  const std::size_t extra = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  if (lead < 0xC2 || lead > 0xF4 || extra >= bytes.size()) return 0;
  std::uint32_t point = lead & (0x3Fu >> extra);
  for (std::size_t k = 1; k <= extra; ++k) {
    const auto next = static_cast<unsigned char>(bytes[k]);
    if ((next & 0xC0) != 0x80) return 0;
    point = (point << 6) | (next & 0x3F);
  }
  const bool is_longer_than_need = (extra == 2 && point < 0x800) || (extra == 3 && point < 0x10000);
  const bool is_none = point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF);
  return is_longer_than_need || is_none ? 0 : extra + 1;
}

char32_t utf8_point(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead;
  char32_t point = lead & (0xFFu >> (character.size() + 1));
  for (const char next : character.substr(1)) {
    point = point << 6 | (static_cast<unsigned char>(next) & 0x3F);
  }
  return point;
}

char* write_utf8(char* to, char32_t point) {
  const auto put = [&to](char32_t byte) { *to++ = static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
    return to;
  }
  if (point < 0x800) {
    put(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
  }
  put(0x80 | (point & 0x3F));
  return to;
}

std::string mend_utf8(std::string_view bytes) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    out.append(length > 0 ? bytes.substr(0, length) : kReplacement);
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace pinnace
