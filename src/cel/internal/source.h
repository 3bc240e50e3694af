// Source is an expression's text, and what is wrong with it, told with place and caret:
//
//   ERROR: <input>:1:5: undeclared reference to 'x' (in container '')
//    | 1 + x
//    | ....^
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinnace::cel::internal {

class Source {
 public:
  explicit Source(std::string_view text) : text_(text) {}

  std::string_view text() const { return text_; }
  // At most 100 are kept.
  void report(std::uint32_t offset, std::string message);
  bool failed() const { return !issues_.empty(); }
  // All of them, in the order of their places.
  std::string errors() const;

 private:
  struct Issue {
    std::uint32_t offset;
    std::string message;
  };
  std::string describe(const Issue& issue) const;

  std::string_view text_;
  std::vector<Issue> issues_;
};

}  // namespace pinnace::cel::internal
