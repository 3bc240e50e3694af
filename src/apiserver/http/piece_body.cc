#include "apiserver/http/piece_body.h"

#include <algorithm>
#include <cstring>

namespace pinnace::apiserver {

net::Body::Read PieceBody::read(std::span<char> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    if (rest_.empty()) {
      const Next made = next(rest_);
      if (made == Next::kFailed) return {filled, State::kFailed};
      if (made == Next::kEnd) return {filled, State::kEnd};
    }
    const std::size_t count = std::min(rest_.size(), buffer.size() - filled);
    std::memcpy(buffer.data() + filled, rest_.data(), count);
    rest_.remove_prefix(count);
    filled += count;
  }
  return {filled, State::kMore};
}

}  // namespace pinnace::apiserver
