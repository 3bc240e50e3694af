// JsonPath is a path expression as printer columns use them: `.status.list[?(@.type=="A")].b`,
// `{.spec.ports[*].port}`, `['a.b']`.
//
// Errors: 400 for text that is no path.
// Bounds: text up to 4 KiB, kMaxSteps steps; a recursive step visits at most kMaxVisited values.
// Threads: immutable; any.
// Source: kubernetes.io/docs/reference/kubectl/jsonpath, without ranges over templates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::api {

class JsonPath {
 public:
  static constexpr std::size_t kMaxSteps = 64;
  static constexpr std::size_t kMaxVisited = 10'000;

  static Result<JsonPath> parse(std::string_view text);
  // What the path leads to, in order.
  std::vector<const Value*> find(const Value& root) const;

 private:
  friend class JsonPathParser;
  enum class StepKind : std::uint8_t { kMember, kIndex, kSlice, kAll, kFilter, kBelow };
  enum class Comparison : std::uint8_t {
    kExists,
    kEqual,
    kDiffers,
    kLess,
    kAtMost,
    kMore,
    kAtLeast
  };
  struct Step {
    StepKind kind = StepKind::kMember;
    std::string name;
    std::int64_t from = 0, to = INT64_MAX, stride = 1;
    // Of a filter: members below the item, and what their value is compared with.
    std::vector<std::string> operand;
    Comparison comparison = Comparison::kExists;
    std::string text;
    double number = 0;
    bool is_number = false;
  };
  static bool passes(const Step& filter, const Value& item);
  static void advance(const Step& step, const Value& from, std::vector<const Value*>& to);

  std::vector<Step> steps_;
};

}  // namespace pinnace::api
