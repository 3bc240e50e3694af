#include "store/delta.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"

namespace pinnace::store {

namespace {

// What is shorter is not found, and hardly worth a step.
constexpr std::size_t kWindow = 16;
constexpr std::size_t kBlock = 8;

std::uint64_t load(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const std::size_t limit = std::min(a.size(), b.size());
  std::size_t length = 0;
  while (length + 8 <= limit && load(a.data() + length) == load(b.data() + length)) length += 8;
  while (length < limit && a[length] == b[length]) ++length;
  return length;
}

void append_number(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) out += static_cast<char>(number | 0x80);
  out += static_cast<char>(number);
}

std::uint64_t read_number(std::string_view& from) {
  std::uint64_t number = 0;
  for (int shift = 0;; shift += 7) {
    PINNACE_ASSERT(!from.empty() && shift < 64);
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    number |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return number;
  }
}

std::uint64_t zigzag(std::int64_t number) {
  return (static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63);
}

std::int64_t unzigzag(std::uint64_t number) {
  return static_cast<std::int64_t>(number >> 1) ^ -static_cast<std::int64_t>(number & 1);
}

}  // namespace

DeltaFinder::DeltaFinder(std::string_view base) : base_(base) {
  const std::size_t count = base.size() < kWindow ? 0 : (base.size() - kWindow) / kBlock + 1;
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(2 * count, 2));
  shift_ = 64 - std::countr_zero(slots);
  blocks_.resize(slots);
  for (std::size_t i = 0; i < count; ++i) {
    auto& block = blocks_[slot(base.data() + i * kBlock)];
    if (block == 0) block = static_cast<std::uint32_t>(i + 1);
  }
}

std::size_t DeltaFinder::slot(const char* window) const {
  const std::uint64_t mixed = (load(window) ^ std::rotl(load(window + 8), 29)) * 0x9E3779B97F4A7C15;
  return static_cast<std::size_t>(mixed >> shift_);
}

std::optional<std::string> DeltaFinder::find(std::string_view text, std::size_t max_bytes) const {
  std::string delta;
  std::size_t told = 0;  // Of the text.
  std::size_t last = 0;  // Where the last copy ended in the base.
  std::size_t at = 0;
  while (at + kWindow <= text.size()) {
    const std::uint32_t block = blocks_[slot(text.data() + at)];
    std::size_t from = (block - std::size_t{1}) * kBlock;
    if (block == 0 || std::memcmp(base_.data() + from, text.data() + at, kWindow) != 0) {
      if (delta.size() + (++at - told) > max_bytes) return std::nullopt;
      continue;
    }
    std::size_t length = common_prefix(base_.substr(from), text.substr(at));
    while (at > told && from > 0 && base_[from - 1] == text[at - 1]) --from, --at, ++length;
    append_number(delta, at - told);
    delta.append(text, told, at - told);
    append_number(delta, length);
    append_number(delta, zigzag(static_cast<std::int64_t>(from) - static_cast<std::int64_t>(last)));
    last = from + length;
    told = at = at + length;
  }
  if (told < text.size()) {
    append_number(delta, text.size() - told);
    delta.append(text, told);
  }
  if (delta.size() > max_bytes) return std::nullopt;
  return delta;
}

void restore(std::string_view base, std::string_view delta, std::string& out) {
  std::size_t last = 0;
  while (!delta.empty()) {
    const std::uint64_t added = read_number(delta);
    PINNACE_ASSERT(added <= delta.size());
    out.append(delta, 0, added);
    delta.remove_prefix(added);
    if (delta.empty()) break;
    const std::uint64_t length = read_number(delta);
    const auto from =
        static_cast<std::uint64_t>(static_cast<std::int64_t>(last) + unzigzag(read_number(delta)));
    PINNACE_ASSERT(from <= base.size() && length <= base.size() - from);
    out.append(base, from, length);
    last = from + length;
  }
}

}  // namespace pinnace::store
