#include "controllers/support/expectations.h"

namespace pinnace::controllers {
namespace {
constexpr Duration kPatience = std::chrono::minutes(5);
}

void Expectations::add(const std::string& owner, const std::string& uid, bool deletion,
                       MonotonicTime now) {
  const auto [entry, inserted] =
      pending_.try_emplace(uid, Pending{owner, deletion, now + kPatience});
  if (inserted)
    ++outstanding_[owner];
  else if (deletion)
    entry->second.deletion = true;
}

void Expectations::end_creation(const std::string& owner, const std::string& uid,
                                MonotonicTime now) {
  if (!uid.empty() && !early_.contains(uid)) add(owner, uid, false, now);
  if (--creations_ == 0) early_.clear();
}

void Expectations::expect_deletion(const std::string& owner, const std::string& uid,
                                   MonotonicTime now) {
  add(owner, uid, true, now);
}

void Expectations::drop(std::map<std::string, Pending, std::less<>>::iterator entry) {
  if (const auto count = outstanding_.find(entry->second.owner); count != outstanding_.end()) {
    if (--count->second == 0) outstanding_.erase(count);
  }
  pending_.erase(entry);
}

void Expectations::forget_deletion(std::string_view uid) {
  if (const auto entry = pending_.find(uid); entry != pending_.end()) drop(entry);
}

void Expectations::seen(std::string_view uid, bool leaving) {
  if (creations_ > 0) early_.emplace(uid);
  const auto entry = pending_.find(uid);
  if (entry != pending_.end() && (!entry->second.deletion || leaving)) drop(entry);
}

void Expectations::gone(std::string_view uid) {
  if (creations_ > 0) early_.emplace(uid);
  if (const auto entry = pending_.find(uid); entry != pending_.end()) drop(entry);
}

bool Expectations::satisfied(const std::string& owner, MonotonicTime now) {
  if (!outstanding_.contains(owner)) return true;
  for (auto entry = pending_.begin(); entry != pending_.end();) {
    const auto current = entry++;
    if (current->second.owner == owner && current->second.deadline <= now) drop(current);
  }
  return !outstanding_.contains(owner);
}

void Expectations::forget(const std::string& owner) {
  if (!outstanding_.contains(owner)) return;
  std::erase_if(pending_, [&](const auto& entry) { return entry.second.owner == owner; });
  outstanding_.erase(owner);
}

}  // namespace pinnace::controllers
