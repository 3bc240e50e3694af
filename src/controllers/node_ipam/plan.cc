#include "controllers/node_ipam/plan.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::controllers::node_ipam {
namespace {

constexpr int kMaxBlockBits = 16;

struct Range {
  std::uint32_t address = 0;
  int prefix = 0;
};

std::optional<Range> parse(std::string_view cidr) {
  const auto parts = split(cidr, '/');
  if (parts.size() != 2) return std::nullopt;
  const auto prefix = parse_uint(parts[1]);
  const auto bytes = split(parts[0], '.');
  if (!prefix || *prefix > 32 || bytes.size() != 4) return std::nullopt;
  Range range{0, static_cast<int>(*prefix)};
  for (const auto byte : bytes) {
    const auto number = parse_uint(byte);
    if (!number || *number > 255) return std::nullopt;
    range.address = range.address << 8 | static_cast<std::uint32_t>(*number);
  }
  return range;
}

std::string format(std::uint32_t address, int prefix) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string(address >> shift & 255) + (shift > 0 ? "." : "/");
  }
  return text + std::to_string(prefix);
}

}  // namespace

Result<Blocks> Blocks::create(std::string_view cluster_cidr, int block_prefix) {
  const auto range = parse(cluster_cidr);
  if (!range) {
    return errors::bad_request("the cluster CIDR \"" + std::string(cluster_cidr) +
                               "\" is no IPv4 range such as 10.244.0.0/16");
  }
  const int bits = block_prefix - range->prefix;
  if (bits < 0 || bits > kMaxBlockBits || block_prefix > 32) {
    return errors::bad_request("blocks of /" + std::to_string(block_prefix) +
                               " do not fit the cluster CIDR " + std::string(cluster_cidr));
  }
  Blocks blocks;
  const std::uint64_t mask = ~std::uint64_t{0} << (32 - range->prefix);
  blocks.base_ = range->address & static_cast<std::uint32_t>(mask);
  blocks.prefix_ = block_prefix;
  blocks.taken_.assign(std::size_t{1} << bits, false);
  return blocks;
}

std::optional<std::string> Blocks::allocate() {
  const auto free = std::find(taken_.begin(), taken_.end(), false);
  if (free == taken_.end()) return std::nullopt;
  *free = true;
  const auto index = static_cast<std::uint64_t>(free - taken_.begin());
  return format(base_ + static_cast<std::uint32_t>(index << (32 - prefix_)), prefix_);
}

void Blocks::mark(std::string_view cidr, bool taken) {
  const auto range = parse(cidr);
  if (!range || range->prefix != prefix_ || range->address < base_) return;
  const std::uint64_t index = std::uint64_t{range->address - base_} >> (32 - prefix_);
  if (index < taken_.size()) taken_[index] = taken;
}

}  // namespace pinnace::controllers::node_ipam
