// Chain is a list whose links stand in its members: to be in it costs no memory, and to leave it no
// search.
//
// Lifetime: a member leaves every chain before it goes.
// Threads: one at a time.
#pragma once

#include <cstddef>

namespace pinnace::apiserver::fairness {

template <typename T>
struct Link {
  T* before = nullptr;
  T* after = nullptr;
};

// The members by their Link `kLink`, in the order in which they came.
template <typename T, Link<T> T::*kLink>
class Chain {
 public:
  bool empty() const { return first_ == nullptr; }
  std::size_t size() const { return size_; }
  T* first() const { return first_; }
  static T* after(const T& member) { return (member.*kLink).after; }

  void add(T& member) {
    member.*kLink = {last_, nullptr};
    (last_ == nullptr ? first_ : (last_->*kLink).after) = &member;
    last_ = &member;
    ++size_;
  }
  void remove(T& member) {
    const Link<T> link = member.*kLink;
    (link.before == nullptr ? first_ : (link.before->*kLink).after) = link.after;
    (link.after == nullptr ? last_ : (link.after->*kLink).before) = link.before;
    member.*kLink = {};
    --size_;
  }
  template <typename Visit>
  void each(Visit visit) const {
    for (T* member = first_; member != nullptr;) {
      T* next = (member->*kLink).after;
      visit(*member);
      member = next;
    }
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pinnace::apiserver::fairness
