// Steps through UTF-8, and through what may be none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pinnace {

// How many bytes the character takes that the text begins with; 0 if it is none, or "".
std::size_t utf8_length(std::string_view bytes);

// The character of these bytes, which are all of it.
char32_t utf8_point(std::string_view character);
// Writes the bytes of a character, of which there are four at most; gives where they end.
char* write_utf8(char* to, char32_t point);

// U+FFFD for each byte that belongs to no character.
std::string mend_utf8(std::string_view bytes);

}  // namespace pinnace
