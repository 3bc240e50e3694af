// UTF-8, one character after the other: CEL counts characters, api::Value holds bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pinnace::cel::internal {

// The character at `*place`, which moves behind it. A byte that is no UTF-8 is U+FFFD by itself.
char32_t next_character(std::string_view text, std::size_t* place);
void append_character(std::string& text, char32_t character);
std::size_t count_characters(std::string_view text);
// The byte at which a character begins; the text's size for the one behind the last.
std::size_t byte_of(std::string_view text, std::size_t character);

}  // namespace pinnace::cel::internal
