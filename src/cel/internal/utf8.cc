#include "cel/internal/utf8.h"

#include <algorithm>

namespace pinnace::cel::internal {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

std::size_t length_of(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF5) return 4;
  return 0;
}

}  // namespace

char32_t next_character(std::string_view text, std::size_t* place) {
  const auto first = static_cast<unsigned char>(text[*place]);
  const std::size_t length = length_of(first);
  if (length <= 1 || text.size() - *place < length) {
    ++*place;
    return length == 1 ? first : kReplacement;
  }
  char32_t character = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[*place + i]);
    if ((next & 0xC0) != 0x80) {
      ++*place;
      return kReplacement;
    }
    character = character << 6 | (next & 0x3F);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (character < kLeast[length] || character > 0x10FFFF ||
      (character >= 0xD800 && character < 0xE000)) {
    ++*place;
    return kReplacement;
  }
  *place += length;
  return character;
}

void append_character(std::string& text, char32_t c) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | c >> 6);
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

std::size_t count_characters(std::string_view text) {
  if (std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    return text.size();
  }
  std::size_t count = 0;
  for (std::size_t place = 0; place < text.size(); ++count) next_character(text, &place);
  return count;
}

std::size_t byte_of(std::string_view text, std::size_t character) {
  std::size_t place = 0;
  for (std::size_t i = 0; i < character && place < text.size(); ++i) next_character(text, &place);
  return place;
}

}  // namespace pinnace::cel::internal
