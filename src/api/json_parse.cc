#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <unordered_set>

#include "api/json.h"
#include "api/json_diagnosis.h"
#include "api/member_index.h"
#include "base/utf8.h"

namespace pinnace::api {
namespace {

namespace dom = simdjson::dom;

// A thread's parser keeps buffers for texts up to this size; larger ones get a parser of their own,
// which gives its memory back.
constexpr std::size_t kKeptParserBytes = 64 * 1024;
constexpr std::size_t kMaxDuplicates = 100;

// Where the builder is: a list from the leaf to the root, made into text only when needed.
struct Step {
  const Step* parent;
  std::string_view key;
  std::size_t index;  // Of an array when `key` has no data.
};

void append_path(std::string& out, const Step* step) {
  if (step == nullptr) return;
  append_path(out, step->parent);
  if (step->key.data() == nullptr) {
    out += '[' + std::to_string(step->index) + ']';
    return;
  }
  if (!out.empty()) out += '.';
  out += step->key;
}

class Builder {
 public:
  Builder(Arena& arena, std::vector<std::string>* duplicates)
      : arena_(arena), duplicates_(duplicates) {}

  Value build(dom::element element, const Step* step) {
    switch (element.type()) {
      case dom::element_type::OBJECT:
        return object(element.get_object().value_unsafe(), step);
      case dom::element_type::ARRAY:
        return array(element.get_array().value_unsafe(), step);
      case dom::element_type::STRING:
        return Value::string(arena_, element.get_string().value_unsafe());
      case dom::element_type::INT64:
        return Value::integer(element.get_int64().value_unsafe());
      case dom::element_type::UINT64:
        return Value::number(static_cast<double>(element.get_uint64().value_unsafe()));
      case dom::element_type::DOUBLE:
        return Value::number(element.get_double().value_unsafe());
      case dom::element_type::BOOL:
        return Value::boolean(element.get_bool().value_unsafe());
      case dom::element_type::NULL_VALUE:
        break;
    }
    return Value::null();
  }

 private:
  Value array(dom::array array, const Step* parent) {
    Value result = Value::array();
    result.reserve_entries(arena_, array.size());
    Step step{parent, {}, 0};
    for (dom::element item : array) {
      result.append(arena_, build(item, &step));
      ++step.index;
    }
    return result;
  }

  Value object(dom::object object, const Step* parent) {
    Value result = Value::object();
    result.reserve_entries(arena_, object.size());
    MemberIndex index(result);
    for (auto [key, element] : object) {
      const Step step{parent, key, 0};
      const Value value = build(element, &step);
      if (const Value* earlier = index.find(key)) {
        report(&step);
        *const_cast<Value*>(earlier) = value;
      } else {
        result.add_ref(arena_, arena_.copy(key), value);
      }
    }
    return result;
  }

  void report(const Step* step) {
    if (duplicates_ == nullptr || duplicates_->size() >= kMaxDuplicates) return;
    std::string path;
    append_path(path, step);
    duplicates_->push_back(std::move(path));
  }

  Arena& arena_;
  std::vector<std::string>* duplicates_;
};

// simdjson refuses whole numbers past 64 bits, where Go reads a float. Written with ".0" they are
// floats to simdjson too.
std::string widen_large_integers(std::string_view text) {
  constexpr std::size_t kSafeDigits = 18;
  std::string out;
  out.reserve(text.size() + 16);
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (in_string || c < '0' || c > '9') {
      if (in_string && c == '\\' && i + 1 < text.size()) out += text[i++];
      if (c == '"') in_string = !in_string;
      out += text[i++];
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    std::size_t rest = end;
    while (rest < text.size() &&
           std::string_view(".eE+-0123456789").find(text[rest]) != std::string_view::npos) {
      ++rest;
    }
    out.append(text, i, end - i);
    if (rest == end && end - i > kSafeDigits) out += ".0";
    out.append(text, end, rest - end);
    i = rest;
  }
  return out;
}

// The code unit that the text begins with, written as "\\uXXXX"; none if it begins otherwise.
std::optional<unsigned> escaped_unit(std::string_view text) {
  constexpr std::size_t kBytes = 6;
  if (text.size() < kBytes || !text.starts_with("\\u")) return std::nullopt;
  unsigned unit = 0;
  const char* const end = text.data() + kBytes;
  const auto [stop, error] = std::from_chars(text.data() + 2, end, unit, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return unit;
}

// U+FFFD for what is no character, in bytes or as half of a surrogate pair, as Go's decoder has it.
std::string mend_unicode(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  const auto is_in = [](std::optional<unsigned> unit, unsigned first) {
    return unit && *unit >= first && *unit < first + 0x400;
  };
  std::string out;
  out.reserve(text.size());
  const auto copy = [&](std::size_t bytes) {
    bytes = std::min(bytes, text.size());
    out.append(text.substr(0, bytes));
    text.remove_prefix(bytes);
  };
  while (!text.empty()) {
    if (text[0] == '\\') {
      const auto unit = escaped_unit(text);
      const bool is_high = is_in(unit, 0xD800);
      if (is_high && is_in(escaped_unit(text.substr(6)), 0xDC00)) {
        copy(12);
      } else if (is_high || is_in(unit, 0xDC00)) {
        out += "\\ufffd";
        text.remove_prefix(6);
      } else {
        copy(2);
      }
    } else if (const std::size_t length = utf8_length(text); length > 0) {
      copy(length);
    } else {
      out += kReplacement;
      text.remove_prefix(1);
    }
  }
  return out;
}

Result<Value> parse_with(dom::parser& parser, Arena& arena, std::string_view text,
                         const ParseOptions& options) {
  const auto depth = static_cast<std::size_t>(options.max_depth);
  if (parser.max_depth() != depth || parser.capacity() < text.size()) {
    if (parser.allocate(std::max(text.size(), parser.capacity()), depth)) {
      return errors::internal("no memory to parse JSON");
    }
  }
  // simdjson copies the text into its own padded buffer.
  auto parsed = parser.parse(text.data(), text.size(), true);
  std::string mended;
  if (parsed.error() == simdjson::UTF8_ERROR || parsed.error() == simdjson::STRING_ERROR) {
    mended = mend_unicode(text);
    text = mended;
    parsed = parser.parse(text.data(), text.size(), true);
  }
  if (parsed.error() == simdjson::NUMBER_ERROR) {
    const std::string widened = widen_large_integers(text);
    parsed = parser.parse(widened.data(), widened.size(), true);
  }
  if (parsed.error()) return errors::bad_request(diagnose_json(text, options.max_depth));
  return Builder(arena, options.duplicate_fields).build(parsed.value_unsafe(), nullptr);
}

// Goes through a text once more, as Go's decoder would.
class Reader {
 public:
  Reader(const std::vector<std::string>& first, const std::vector<std::string>& again)
      : first_(first.begin(), first.end()), again_(again.begin(), again.end()) {}

  void read(dom::element element) {
    if (element.type() == dom::element_type::ARRAY) {
      const dom::array array = element.get_array().value_unsafe();
      std::size_t index = 0;
      for (dom::element item : array) {
        below("[" + std::to_string(index++) + "]", [&] { read(item); });
      }
    } else if (element.type() == dom::element_type::OBJECT) {
      const dom::object object = element.get_object().value_unsafe();
      std::unordered_set<std::string_view> seen;
      for (auto [key, value] : object) {
        const bool is_again = !seen.insert(key).second;
        below((path_.empty() ? "" : ".") + std::string(key), [&] { member(is_again, value); });
      }
    }
  }
  std::vector<MetMember>&& met() { return std::move(met_); }

 private:
  void member(bool is_again, dom::element value) {
    // Each is told once.
    if (first_.contains(path_)) {
      if (told_.insert(path_).second) met_.push_back({path_, false});
      return;
    }
    if (is_again && again_.contains(path_) && told_.insert(path_).second) {
      met_.push_back({path_, true});
    }
    read(value);
  }

  template <typename Visit>
  void below(const std::string& step, Visit visit) {
    const std::size_t before = path_.size();
    path_ += step;
    visit();
    path_.resize(before);
  }

  const std::unordered_set<std::string> first_, again_;
  std::unordered_set<std::string> told_;
  std::string path_;
  std::vector<MetMember> met_;
};

}  // namespace

std::string_view without_place(std::string_view problem) {
  return problem.substr(0, problem.rfind(" (line "));
}

std::vector<MetMember> in_reading_order(std::string_view text,
                                        const std::vector<std::string>& first,
                                        const std::vector<std::string>& again) {
  dom::parser parser;
  auto parsed = parser.parse(text.data(), text.size(), true);
  if (parsed.error() == simdjson::NUMBER_ERROR) {
    const std::string widened = widen_large_integers(text);
    parsed = parser.parse(widened.data(), widened.size(), true);
  }
  Reader reader(first, again);
  if (!parsed.error()) reader.read(parsed.value_unsafe());
  return reader.met();
}

Result<Value> parse_json(Arena& arena, std::string_view text, ParseOptions options) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max() / 2) {
    return errors::too_large("JSON text is too large");
  }
  if (text.empty()) text = "";  // The parser copies from the pointer, which may be null.
  if (text.size() > kKeptParserBytes) {
    dom::parser parser;
    return parse_with(parser, arena, text, options);
  }
  static thread_local dom::parser kept_parser;
  return parse_with(kept_parser, arena, text, options);
}

}  // namespace pinnace::api
