#include "api/json_path.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::size_t kMaxText = 4 << 10;

Unexpected no_path(std::string_view text, std::string_view why) {
  return errors::bad_request("\"" + std::string(text) + "\" is no path: " + std::string(why));
}

}  // namespace

class JsonPathParser {
 public:
  explicit JsonPathParser(std::string_view text) : whole_(text), rest_(text) {}

  Result<JsonPath> parse() {
    if (rest_.size() > kMaxText) return errors::bad_request("the path is too long");
    rest_ = trim(rest_);
    if (rest_.starts_with('{') && rest_.ends_with('}')) {
      rest_ = trim(rest_.substr(1, rest_.size() - 2));
    }
    if (rest_.starts_with('$')) rest_.remove_prefix(1);
    while (!rest_.empty()) {
      if (path_.steps_.size() >= JsonPath::kMaxSteps) return no_path(whole_, "too many steps");
      if (auto ok = step(); !ok) return std::unexpected(std::move(ok.error()));
    }
    return std::move(path_);
  }

 private:
  using Step = JsonPath::Step;
  using StepKind = JsonPath::StepKind;
  using Comparison = JsonPath::Comparison;

  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  Result<void> step() {
    if (take("..")) {
      Step below;
      below.kind = StepKind::kBelow;
      path_.steps_.push_back(below);
      return rest_.starts_with('[') ? Result<void>() : member();
    }
    if (take("[")) return bracket();
    if (take(".")) {
      if (rest_.empty() || rest_.starts_with('[')) return {};
      return member();
    }
    return no_path(whole_, "a step begins with \".\" or \"[\"");
  }

  // A name up to the next step; a backslash takes the character after it as it is.
  std::string name(std::string_view ends) {
    std::string out;
    while (!rest_.empty() && ends.find(rest_[0]) == std::string_view::npos) {
      if (rest_[0] == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      out += rest_[0];
      rest_.remove_prefix(1);
    }
    return out;
  }

  Result<void> member() {
    Step made;
    if (take("*")) {
      made.kind = StepKind::kAll;
    } else {
      made.name = name(".[");
      if (made.name.empty()) return no_path(whole_, "a name is missing");
    }
    path_.steps_.push_back(std::move(made));
    return {};
  }

  Result<void> bracket() {
    if (take("?(")) return filter();
    Step made;
    if (take("*")) {
      made.kind = StepKind::kAll;
    } else if (rest_.starts_with('\'') || rest_.starts_with('"')) {
      auto text = quoted();
      if (!text) return std::unexpected(std::move(text.error()));
      made.name = std::move(*text);
    } else if (auto ok = index(made); !ok) {
      return ok;
    }
    if (!take("]")) return no_path(whole_, "\"]\" is missing");
    path_.steps_.push_back(std::move(made));
    return {};
  }

  std::optional<std::int64_t> number() {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  Result<void> index(Step& made) {
    const auto first = number();
    if (!take(":")) {
      if (!first) return no_path(whole_, "an index is missing");
      made.kind = StepKind::kIndex;
      made.from = *first;
      return {};
    }
    made.kind = StepKind::kSlice;
    made.from = first.value_or(0);
    made.to = number().value_or(INT64_MAX);
    if (take(":")) made.stride = number().value_or(1);
    if (made.stride < 1) return no_path(whole_, "a step of a slice is at least 1");
    return {};
  }

  Result<std::string> quoted() {
    const char quote = rest_[0];
    rest_.remove_prefix(1);
    std::string text = name(std::string_view(&quote, 1));
    if (rest_.empty()) return no_path(whole_, "a quote is not closed");
    rest_.remove_prefix(1);
    return text;
  }

  Result<void> filter() {
    Step made;
    made.kind = StepKind::kFilter;
    rest_ = trim(rest_);
    if (!take("@")) return no_path(whole_, "a filter begins with \"@\"");
    while (take(".")) {
      made.operand.push_back(name(".=!<>) "));
      if (made.operand.size() > JsonPath::kMaxSteps) return no_path(whole_, "too many steps");
    }
    rest_ = trim(rest_);
    static constexpr std::pair<std::string_view, Comparison> kComparisons[] = {
        {"==", Comparison::kEqual},   {"!=", Comparison::kDiffers}, {"<=", Comparison::kAtMost},
        {">=", Comparison::kAtLeast}, {"<", Comparison::kLess},     {">", Comparison::kMore}};
    for (const auto& [token, comparison] : kComparisons) {
      if (!take(token)) continue;
      made.comparison = comparison;
      if (auto ok = literal(made); !ok) return ok;
      break;
    }
    rest_ = trim(rest_);
    if (!take(")]")) return no_path(whole_, "\")]\" is missing");
    path_.steps_.push_back(std::move(made));
    return {};
  }

  Result<void> literal(Step& made) {
    rest_ = trim(rest_);
    if (rest_.starts_with('\'') || rest_.starts_with('"')) {
      auto text = quoted();
      if (!text) return std::unexpected(std::move(text.error()));
      made.text = std::move(*text);
      return {};
    }
    made.text = name(") ");
    const char* const end = made.text.data() + made.text.size();
    made.is_number =
        !made.text.empty() && std::from_chars(made.text.data(), end, made.number).ptr == end;
    if (!made.is_number && made.text != "true" && made.text != "false") {
      return no_path(whole_, "a filter compares with a quoted text, a number, true or false");
    }
    return {};
  }

  std::string_view whole_, rest_;
  JsonPath path_;
};

Result<JsonPath> JsonPath::parse(std::string_view text) { return JsonPathParser(text).parse(); }

bool JsonPath::passes(const Step& filter, const Value& item) {
  const Value* value = &item;
  for (const std::string& name : filter.operand) {
    value = value->find(name);
    if (value == nullptr) return false;
  }
  if (filter.comparison == Comparison::kExists) return true;
  int order = 0;
  if (filter.is_number) {
    if (!value->is_number()) return filter.comparison == Comparison::kDiffers;
    const double number = value->as_double();
    order = number < filter.number ? -1 : number > filter.number ? 1 : 0;
  } else if (value->is_bool()) {
    order = std::string_view(value->as_bool() ? "true" : "false").compare(filter.text);
  } else if (value->is_string()) {
    order = value->as_string().compare(filter.text);
  } else {
    return filter.comparison == Comparison::kDiffers;
  }
  switch (filter.comparison) {
    case Comparison::kEqual:
      return order == 0;
    case Comparison::kDiffers:
      return order != 0;
    case Comparison::kLess:
      return order < 0;
    case Comparison::kAtMost:
      return order <= 0;
    case Comparison::kMore:
      return order > 0;
    case Comparison::kAtLeast:
      return order >= 0;
    case Comparison::kExists:
      break;
  }
  return true;
}

void JsonPath::advance(const Step& step, const Value& from, std::vector<const Value*>& to) {
  const auto size = static_cast<std::int64_t>(from.is_array() ? from.size() : 0);
  switch (step.kind) {
    case StepKind::kMember:
      if (const Value* value = from.find(step.name)) to.push_back(value);
      return;
    case StepKind::kIndex: {
      const std::int64_t at = step.from < 0 ? step.from + size : step.from;
      if (at >= 0 && at < size) to.push_back(&from.items()[static_cast<std::size_t>(at)]);
      return;
    }
    case StepKind::kSlice: {
      const std::int64_t first =
          std::max<std::int64_t>(step.from < 0 ? step.from + size : step.from, 0);
      const std::int64_t end = std::min(step.to < 0 ? step.to + size : step.to, size);
      for (std::int64_t at = first; at < end; at += std::min(step.stride, size)) {
        to.push_back(&from.items()[static_cast<std::size_t>(at)]);
      }
      return;
    }
    case StepKind::kAll:
      if (from.is_array()) {
        for (const Value& item : from.items()) to.push_back(&item);
      } else if (from.is_object()) {
        for (const Member& member : from.members()) to.push_back(&member.value);
      }
      return;
    case StepKind::kFilter:
      if (!from.is_array()) return;
      for (const Value& item : from.items()) {
        if (passes(step, item)) to.push_back(&item);
      }
      return;
    case StepKind::kBelow: {
      // Breadth first over what has been put into the list here.
      const std::size_t begin = to.size();
      to.push_back(&from);
      for (std::size_t at = begin; at < to.size() && to.size() < kMaxVisited; ++at) {
        Step all;
        all.kind = StepKind::kAll;
        const Value* here = to[at];
        advance(all, *here, to);
      }
      return;
    }
  }
}

std::vector<const Value*> JsonPath::find(const Value& root) const {
  std::vector<const Value*> here{&root};
  for (const Step& step : steps_) {
    std::vector<const Value*> next;
    for (const Value* value : here) {
      if (next.size() >= kMaxVisited) break;
      advance(step, *value, next);
    }
    here = std::move(next);
  }
  return here;
}

}  // namespace pinnace::api
