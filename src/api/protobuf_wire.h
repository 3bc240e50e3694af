// The protobuf wire format: reading front to back, writing back to front.
//
// Why back to front: a message's length stands before it, and is known only once it is written.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace pinnace::api::wire {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t number_value = 0;  // kVarint, kFixed64, kFixed32
  std::string_view bytes;          // kBytes
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }
  // The next field; false when the bytes are broken.
  bool next(Field& field);
  bool varint(std::uint64_t& value);

 private:
  bool fixed(std::size_t size, std::uint64_t& value);
  std::string_view rest_;
};

// Collects bytes in reverse; `finish` turns them around.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out), start_(out.size()) {}

  std::size_t size() const { return out_.size(); }
  void varint(std::uint64_t value) {
    char digits[10];
    std::size_t count = 0;
    do {
      digits[count++] = static_cast<char>((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
      value >>= 7;
    } while (value != 0);
    while (count > 0) out_ += digits[--count];
  }
  void bytes(std::string_view text) { out_.append(text.rbegin(), text.rend()); }
  void tag(std::uint32_t number, WireType type) {
    varint(std::uint64_t{number} << 3 | static_cast<std::uint64_t>(type));
  }
  // Heads what was written since `mark` as a field of bytes.
  void close(std::uint32_t number, std::size_t mark) {
    varint(out_.size() - mark);
    tag(number, WireType::kBytes);
  }
  void text_field(std::uint32_t number, std::string_view text) {
    const std::size_t mark = size();
    bytes(text);
    close(number, mark);
  }
  void varint_field(std::uint32_t number, std::uint64_t value) {
    varint(value);
    tag(number, WireType::kVarint);
  }
  void double_field(std::uint32_t number, double value) {
    char raw[8];
    std::memcpy(raw, &value, sizeof raw);
    bytes({raw, sizeof raw});
    tag(number, WireType::kFixed64);
  }
  void finish() { std::reverse(out_.begin() + static_cast<std::ptrdiff_t>(start_), out_.end()); }

 private:
  std::string& out_;
  std::size_t start_;
};
static_assert(std::endian::native == std::endian::little, "fixed64 is written as it is in memory");

}  // namespace pinnace::api::wire
