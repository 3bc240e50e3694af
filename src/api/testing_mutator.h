// Changes a fuzzer's input as JSON: one value of it becomes another, of another type as a rule.
//
// Why: bytes that are changed at random seldom make another document that parses, and what breaks
//   is code that took a value's type for granted.
// Use: `LLVMFuzzerCustomMutator` calls `mutate_lines` for inputs whose lines hold documents.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "api/json.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace pinnace::api::testing {

class JsonMutator {
 public:
  explicit JsonMutator(unsigned seed) : state_(seed + 1) {}

  // The text with one change; empty when it is no JSON.
  std::string mutate(std::string_view text) {
    auto document = parse_json(arena_, text);
    if (!document) return {};
    collect(*document);
    Value& chosen = *values_[below(values_.size())];
    switch (below(4)) {
      case 0:  // A value from elsewhere in it.
        chosen = deep_copy(arena_, *values_[below(values_.size())]);
        break;
      case 1:
        if (chosen.is_object() && chosen.size() > 0) {
          change_member(chosen);
          break;
        }
        [[fallthrough]];
      default:
        chosen = odd_value();
    }
    return to_json_text(*document);
  }

  std::size_t below(std::size_t bound) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>(state_ >> 33) % bound;
  }

 private:
  void collect(Value& value) {
    values_.push_back(&value);
    if (value.is_array()) {
      for (Value& item : value.items()) collect(item);
    } else if (value.is_object()) {
      for (Member& member : value.members()) collect(member.value);
    }
  }
  // Takes one out, or gives it another one's name.
  void change_member(Value& object) {
    const auto members = object.members();
    Member& member = members[below(members.size())];
    if (below(2) == 0) {
      object.erase(member.key);
      return;
    }
    for (Value* other : values_) {
      if (other->is_object() && other->size() > 0 && below(4) == 0) {
        member.key = other->members()[below(other->size())].key;
      }
    }
  }
  Value odd_value() {
    static constexpr std::string_view kTexts[] = {"",
                                                  "a",
                                                  "*",
                                                  "..",
                                                  "/",
                                                  "a/b",
                                                  "-1",
                                                  "1Gi",
                                                  "100%",
                                                  "%zz",
                                                  "\n",
                                                  "a=b",
                                                  "self.a",
                                                  "$(A)",
                                                  "2026-01-01T00:00:00Z",
                                                  "10.0.0.1",
                                                  "::1",
                                                  "v1",
                                                  "metadata.name",
                                                  "kubernetes.io/x"};
    static constexpr std::int64_t kNumbers[] = {0,
                                                1,
                                                -1,
                                                65536,
                                                std::numeric_limits<std::int64_t>::min(),
                                                std::numeric_limits<std::int64_t>::max()};
    switch (below(8)) {
      case 0:
        return Value();
      case 1:
        return Value::boolean(below(2) == 0);
      case 2:
        return Value::integer(kNumbers[below(std::size(kNumbers))]);
      case 3:
        return Value::number(below(2) == 0 ? 1e300 : -0.5);
      case 4:
        return Value::array();
      case 5:
        return Value::object();
      case 6: {
        Value list = Value::array();
        list.append(arena_, odd_value());
        return list;
      }
      default:
        return Value::string_ref(kTexts[below(std::size(kTexts))]);
    }
  }

  Arena arena_;
  std::uint64_t state_;
  std::vector<Value*> values_;
};

// Changes the document that stands at the end of one of the lines, from its first brace on; half
// of the time, and where there is none, the bytes as libFuzzer does.
inline std::size_t mutate_lines(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                unsigned seed) {
  JsonMutator mutator(seed);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<std::size_t> begins = {0};
  for (std::size_t at = input.find('\n'); at != input.npos; at = input.find('\n', at + 1)) {
    begins.push_back(at + 1);
  }
  const std::size_t begin = begins[mutator.below(begins.size())];
  const std::size_t end = std::min(input.find('\n', begin), size);
  const std::string_view line = input.substr(begin, end - begin);
  const std::size_t brace = line.find_first_of("{[");
  if (brace == line.npos || mutator.below(2) == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string changed = mutator.mutate(line.substr(brace));
  const std::string whole =
      std::string(input.substr(0, begin + brace)) + changed + std::string(input.substr(end));
  if (changed.empty() || whole.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, whole.data(), whole.size());
  return whole.size();
}

}  // namespace pinnace::api::testing
