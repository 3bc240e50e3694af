#include "api/member_index.h"

#include <algorithm>

namespace pinnace::api {

std::size_t MemberIndex::place(std::string_view key) {
  const std::span<const Member> members = object_.members();
  if (members.size() <= kLinearUpTo) {
    const auto found = std::ranges::find(members, key, &Member::key);
    return static_cast<std::size_t>(found - members.begin());
  }
  for (; indexed_ < members.size(); ++indexed_) {
    places_[members[indexed_].key] = static_cast<std::uint32_t>(indexed_);
  }
  const auto found = places_.find(key);
  return found == places_.end() ? members.size() : found->second;
}

const Value* MemberIndex::find(std::string_view key) {
  const std::size_t at = place(key);
  return at == object_.size() ? nullptr : &object_.members()[at].value;
}

}  // namespace pinnace::api
