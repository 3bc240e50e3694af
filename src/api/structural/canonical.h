// Values as keys: equal ones have the same text.
//
// Why: items of a set, and of a list by its keys, are told apart without comparing each with each.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "api/structural/schema.h"
#include "api/value.h"

namespace pinnace::api::structural {

// JSON with sorted members, in which 1.0 is 1.
std::string canonical_text(const Value& value);
// The members of a list's item that tell it apart, as an object of those that are there.
std::string map_key_text(const Value& item, const Node& list);

class CanonicalSet {
 public:
  // False when it was there.
  bool add(const Value& value) { return seen_.insert(canonical_text(value)).second; }
  bool add_text(std::string text) { return seen_.insert(std::move(text)).second; }

 private:
  std::unordered_set<std::string> seen_;
};

// Finds, for an item of a list of type map, what it was in the list's old state. Items that lack a
// key are nothing's successors.
class ItemCorrelation {
 public:
  // `old` may be null. Both must outlive this.
  ItemCorrelation(const Node& list, const Value* old);
  const Value* of(const Value& item) const;

 private:
  const Node& list_;
  std::unordered_map<std::string, const Value*> before_;
};

// Whether a value is what it was, as its schema tells parts apart: the order of lists of type map
// does not count, and members that the schema does not know are never what they were.
bool is_unchanged(const Value& value, const Value& old, const Node& schema);

}  // namespace pinnace::api::structural
