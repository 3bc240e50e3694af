// Numbers and texts as bytes, big-endian and with their length in front: what records are made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pinnace::store {

inline void append_fixed(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((value >> shift) & 0xFF);
  }
}

inline void append_text(std::string& out, std::string_view text) {
  append_fixed(out, text.size(), 4);
  out += text;
}

// Reads from the front of a text; `ok` turns false when it is too short, and stays so.
struct ByteReader {
  std::string_view rest;
  bool ok = true;

  std::string_view bytes(std::size_t count) {
    if (count > rest.size()) {
      ok = false;
      count = rest.size();
    }
    const auto taken = rest.substr(0, count);
    rest.remove_prefix(count);
    return taken;
  }
  std::uint64_t fixed(std::size_t count) {
    std::uint64_t value = 0;
    for (const char c : bytes(count)) value = (value << 8) | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view text() { return bytes(fixed(4)); }
};

}  // namespace pinnace::store
