#include "api/member_index.h"

namespace pinnace::api {

const Value* MemberIndex::find(std::string_view key) {
  if (object_.size() <= kLinearUpTo) return object_.find(key);
  const std::span<const Member> members = object_.members();
  for (; indexed_ < members.size(); ++indexed_) {
    places_[members[indexed_].key] = static_cast<std::uint32_t>(indexed_);
  }
  const auto place = places_.find(key);
  return place == places_.end() ? nullptr : &members[place->second].value;
}

}  // namespace pinnace::api
