// Blocks of pod addresses for nodes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pinnace::controllers::node_ipam {

// The blocks of one size in an IPv4 range, which of them are taken, and the next free one.
// Errors: `create` gives 400 for a range that is none, or a block that does not fit in it.
// Bounds: at most 65,536 blocks.
class Blocks {
 public:
  static Result<Blocks> create(std::string_view cluster_cidr, int block_prefix);

  // The lowest free block ("10.244.3.0/24"), now taken; nothing when there is none left.
  std::optional<std::string> allocate();
  // Other ranges than this one's are ignored.
  void take(std::string_view cidr) { mark(cidr, true); }
  void release(std::string_view cidr) { mark(cidr, false); }

 private:
  Blocks() = default;
  void mark(std::string_view cidr, bool taken);

  std::uint32_t base_ = 0;
  int prefix_ = 24;
  std::vector<bool> taken_;
};

}  // namespace pinnace::controllers::node_ipam
