// Expectations remember the writes that an informer has not shown yet, so that a control loop does
// not repeat them.
//
// Why exact uids and not counts: a create that the informer misses (an object that came and went
//   between two lists) can then never make a count wrong.
// Bounds: an entry is dropped when it is seen, when its owner is forgotten, or after five minutes.
//   While creations are under way, the uids that the informer shows are kept too.
// Threads: belongs to the executor's thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace pinnace::controllers {

class Expectations {
 public:
  // Around the call that creates: the informer may show the object before the call returns.
  void begin_creation() { ++creations_; }
  // `uid` is empty if it failed.
  void end_creation(const std::string& owner, const std::string& uid, MonotonicTime now);
  // Before the call that deletes; if that fails, `forget_deletion`.
  void expect_deletion(const std::string& owner, const std::string& uid, MonotonicTime now);
  void forget_deletion(std::string_view uid);
  // The informer shows the object (`leaving`: with a deletionTimestamp), or shows that it is gone.
  void seen(std::string_view uid, bool leaving);
  void gone(std::string_view uid);
  // Nothing is outstanding for this owner.
  bool satisfied(const std::string& owner, MonotonicTime now);
  void forget(const std::string& owner);

 private:
  struct Pending {
    std::string owner;
    bool deletion = false;
    MonotonicTime deadline;
  };
  void add(const std::string& owner, const std::string& uid, bool deletion, MonotonicTime now);
  void drop(std::map<std::string, Pending, std::less<>>::iterator entry);

  std::map<std::string, Pending, std::less<>> pending_;          // by uid
  std::map<std::string, std::size_t, std::less<>> outstanding_;  // by owner
  std::size_t creations_ = 0;                                    // under way
  std::set<std::string, std::less<>> early_;  // Seen while creations were under way.
};

}  // namespace pinnace::controllers
