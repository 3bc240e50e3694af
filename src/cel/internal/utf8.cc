#include "cel/internal/utf8.h"

#include <algorithm>

#include "base/utf8.h"

namespace pinnace::cel::internal {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

}  // namespace

char32_t next_character(std::string_view text, std::size_t* place) {
  const std::size_t length = utf8_length(text.substr(*place));
  const std::string_view bytes = text.substr(*place, length);
  *place += std::max<std::size_t>(length, 1);
  return length == 0 ? kReplacement : utf8_point(bytes);
}

void append_character(std::string& text, char32_t c) {
  char bytes[4];
  text.append(bytes, write_utf8(bytes, c));
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
