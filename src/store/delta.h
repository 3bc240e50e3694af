// Deltas: a text told as its difference from another, by copying from that what both have.
//
// Why: objects that one controller makes are alike but for names, times and addresses; most of each
//   is kept once (see object_json.h).
// Shape: steps until the text is whole, each of: number of new characters, these, number of
//   characters to copy, from where in the base as distance from the end of the last copy (zigzag).
//   Numbers have seven bits a byte, lowest first. The last step may copy nothing.
// Cost: finding a difference looks at each character once and skips what is copied; `restore` is
//   some copies of memory.
// Source: copy and insert, as in RFC 3284 (VCDIFF); the base is sampled by blocks as in Rsync.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinnace::store {

// Finds differences from one text, which must outlive it.
class DeltaFinder {
 public:
  explicit DeltaFinder(std::string_view base);
  // None when it would be larger than `max_bytes`.
  std::optional<std::string> find(std::string_view text, std::size_t max_bytes) const;

 private:
  std::size_t slot(const char* window) const;

  const std::string_view base_;
  int shift_;
  std::vector<std::uint32_t> blocks_;  // By hash: number of the block in the base, from 1.
};

// Appends the text. `delta` must be one of this base, or the process stops.
void restore(std::string_view base, std::string_view delta, std::string& out);

}  // namespace pinnace::store
