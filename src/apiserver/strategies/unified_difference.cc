#include "apiserver/strategies/unified_difference.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "apiserver/strategies/internal_form.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxLines = 2000;
// How many lines stay around those that differ.
constexpr std::size_t kContext = 3;
// In a long text, lines that are there too often say nothing of where others belong.
constexpr std::size_t kLongText = 200;

using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  Lines lines = split(text, '\n');
  if (lines.size() > kMaxLines) lines.resize(kMaxLines);
  return lines;
}

// Lines that are the same in both, one after the other.
struct Block {
  std::size_t in_before, in_after, count;
};

class Matcher {
 public:
  Matcher(const Lines& before, const Lines& after) : before_(before), after_(after) {
    for (std::size_t i = 0; i < after.size(); ++i) places_[after[i]].push_back(i);
    if (after.size() < kLongText) return;
    const std::size_t most = after.size() / 100 + 1;
    std::erase_if(places_, [&](const auto& entry) { return entry.second.size() > most; });
  }

  // In their order, none next to another, and an empty one at the end.
  std::vector<Block> blocks() const {
    std::vector<Block> found;
    std::vector<Range> open = {{0, before_.size(), 0, after_.size()}};
    while (!open.empty()) {
      const Range range = open.back();
      open.pop_back();
      const Block block = longest(range);
      if (block.count == 0) continue;
      found.push_back(block);
      open.push_back({range.begin, block.in_before, range.other_begin, block.in_after});
      open.push_back({block.in_before + block.count, range.end, block.in_after + block.count,
                      range.other_end});
    }
    std::ranges::sort(found, {}, &Block::in_before);
    std::vector<Block> joined;
    for (const Block& block : found) {
      const bool is_next = !joined.empty() &&
                           joined.back().in_before + joined.back().count == block.in_before &&
                           joined.back().in_after + joined.back().count == block.in_after;
      if (is_next)
        joined.back().count += block.count;
      else
        joined.push_back(block);
    }
    joined.push_back({before_.size(), after_.size(), 0});
    return joined;
  }

 private:
  struct Range {
    std::size_t begin, end, other_begin, other_end;
  };

  // The first of the longest blocks.
  Block longest(const Range& range) const {
    Block best{range.begin, range.other_begin, 0};
    std::unordered_map<std::size_t, std::size_t> lengths;  // Of blocks that end at a line.
    for (std::size_t i = range.begin; i < range.end; ++i) {
      std::unordered_map<std::size_t, std::size_t> next;
      const auto places = places_.find(before_[i]);
      if (places != places_.end()) {
        for (const std::size_t j : places->second) {
          if (j < range.other_begin) continue;
          if (j >= range.other_end) break;
          const auto known = j == 0 ? lengths.end() : lengths.find(j - 1);
          const std::size_t length = known == lengths.end() ? 1 : known->second + 1;
          next[j] = length;
          if (length > best.count) best = {i + 1 - length, j + 1 - length, length};
        }
      }
      lengths = std::move(next);
    }
    // Lines that are there too often may stand around others.
    while (best.in_before > range.begin && best.in_after > range.other_begin &&
           before_[best.in_before - 1] == after_[best.in_after - 1]) {
      best = {best.in_before - 1, best.in_after - 1, best.count + 1};
    }
    while (best.in_before + best.count < range.end &&
           best.in_after + best.count < range.other_end &&
           before_[best.in_before + best.count] == after_[best.in_after + best.count]) {
      ++best.count;
    }
    return best;
  }

  const Lines& before_;
  const Lines& after_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> places_;
};

// Lines that are the same, or that are replaced.
struct Step {
  bool same;
  std::size_t begin, end, other_begin, other_end;
};

std::vector<Step> steps_between(const Lines& before, const Lines& after) {
  std::vector<Step> steps;
  std::size_t i = 0, j = 0;
  for (const Block& block : Matcher(before, after).blocks()) {
    if (i < block.in_before || j < block.in_after) {
      steps.push_back({false, i, block.in_before, j, block.in_after});
    }
    i = block.in_before + block.count;
    j = block.in_after + block.count;
    if (block.count > 0) steps.push_back({true, block.in_before, i, block.in_after, j});
  }
  return steps;
}

// Steps that stand close to each other, with a few lines around them.
std::vector<std::vector<Step>> groups_of(std::vector<Step> steps) {
  std::vector<std::vector<Step>> groups;
  std::vector<Step> group;
  const auto finish = [&] {
    if (group.size() > 1 || (group.size() == 1 && !group[0].same)) groups.push_back(group);
    group.clear();
  };
  for (std::size_t at = 0; at < steps.size(); ++at) {
    Step step = steps[at];
    const std::size_t count = step.end - step.begin;
    const bool is_first = at == 0, is_last = at + 1 == steps.size();
    const std::size_t around = (is_first || is_last) ? kContext : 2 * kContext;
    if (step.same && count > around) {
      const Step head{true, step.begin, step.begin + kContext, step.other_begin,
                      step.other_begin + kContext};
      if (!is_first) group.push_back(head);
      if (!is_first && !is_last) finish();
      step.begin = step.end - kContext;
      step.other_begin = step.other_end - kContext;
      if (is_last) continue;
    }
    group.push_back(step);
  }
  finish();
  return groups;
}

std::string range_text(std::size_t begin, std::size_t end) {
  const std::size_t count = end - begin;
  if (count == 1) return std::to_string(begin + 1);
  return std::to_string(count == 0 ? begin : begin + 1) + "," + std::to_string(count);
}

void add_lines(std::string& text, char sign, const Lines& lines, std::size_t begin,
               std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    text += sign;
    text.append(lines[i]).append("\n");
  }
}

// JSON that has no white space, with a line for each member and item.
std::string indented(std::string_view json) {
  std::string out;
  std::size_t depth = 0;
  const auto line_break = [&] { (out += '\n').append(depth, ' '); };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') {
      const std::size_t begin = i++;
      while (i < json.size() && json[i] != '"') i += json[i] == '\\' ? 2 : 1;
      out += json.substr(begin, i + 1 - begin);
    } else if (c == '{' || c == '[') {
      out += c;
      if (i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']')) {
        out += json[++i];
        continue;
      }
      ++depth;
      line_break();
    } else if (c == '}' || c == ']') {
      --depth;
      line_break();
      out += c;
    } else {
      out += c;
      if (c == ',') line_break();
      if (c == ':') out += ' ';
    }
  }
  return out + "\n";
}

}  // namespace

std::string unified_difference(std::string_view before, std::string_view after) {
  const Lines was = lines_of(before), is = lines_of(after);
  std::string text;
  for (const auto& group : groups_of(steps_between(was, is))) {
    text += "@@ -" + range_text(group.front().begin, group.back().end) + " +" +
            range_text(group.front().other_begin, group.back().other_end) + " @@\n";
    for (const Step& step : group) {
      add_lines(text, step.same ? ' ' : '-', was, step.begin, step.end);
      if (!step.same) add_lines(text, '+', is, step.other_begin, step.other_end);
    }
  }
  return text;
}

std::string unified_difference(const api::Value& before, const api::Value& after,
                               const api::TypeInfo& type) {
  return unified_difference(indented(internal_form(before, type)),
                            indented(internal_form(after, type)));
}

}  // namespace pinnace::apiserver
