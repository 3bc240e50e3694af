#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "api/json.h"
#include "base/byte_block.h"
#include "base/strings.h"
#include "base/utf8.h"

namespace pinnace::api {
namespace {

constexpr std::size_t kMaxDuplicates = 100;
// Objects of more members than this look for earlier ones of the same key in a table.
constexpr std::size_t kLinearUpTo = 24;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// As Go shows the byte that it did not expect.
std::string quoted_byte(char c) {
  if (c == '\'') return R"('\'')";
  if (c == '"') return R"('"')";
  if (c == '\\') return R"('\\')";
  if (c == '\n') return R"('\n')";
  if (c == '\t') return R"('\t')";
  if (c == '\r') return R"('\r')";
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte < 0x7f) return std::string("'") + c + "'";
  // Go takes a byte for a character of Latin-1.
  constexpr unsigned char kFirstShown = 0xa1, kSoftHyphen = 0xad;
  if (byte >= kFirstShown && byte != kSoftHyphen) {
    const char first = static_cast<char>(0xc0 | byte >> 6);
    return {'\'', first, static_cast<char>(0x80 | (byte & 0x3f)), '\''};
  }
  char hex[9];
  std::snprintf(hex, sizeof hex, byte < 0x80 ? R"('\x%02x')" : R"('\u%04x')", byte);
  return hex;
}

// Reads a text once, in a copy of its own in the arena: strings stay where they are, and those with
// escapes are made shorter in their places. What is nested stands on a stack of the parser's own.
class Parser {
 public:
  // `keeps_repeated`: all members of the same key stay.
  Parser(Arena& arena, std::string_view text, const ParseOptions& options, bool keeps_repeated)
      : arena_(arena),
        text_(text),
        options_(options),
        keeps_repeated_(keeps_repeated),
        is_utf8_(is_valid_utf8(text)) {
    auto* copy = static_cast<char*>(arena.allocate(text.size() + sizeof(ByteBlock), 1));
    std::ranges::copy(text, copy);
    // No byte that stands for itself: whoever reads past the end stops there.
    std::memset(copy + text.size(), 0, sizeof(ByteBlock));
    begin_ = at_ = copy;
    end_ = copy + text.size();
    entries_.reserve(kUsualEntries);
    opens_.reserve(kUsualDepth);
  }

  Result<Value> parse() {
    Value root;
    if (!document(root)) return errors::bad_request(std::move(problem_));
    // Only told of a text in which nothing else is wrong.
    if (has_huge_number_) return errors::bad_request("a number is out of range");
    return root;
  }

 private:
  static constexpr std::size_t kUsualEntries = 64, kUsualDepth = 16;
  using Places = std::unordered_map<std::string_view, std::size_t>;

  // An object or a list whose end has not come.
  struct Open {
    bool is_object = false;
    std::size_t first = 0;                     // Of its entries.
    std::string_view key;                      // Of the member whose value is read.
    std::unique_ptr<Places> places = nullptr;  // By key, once there are many.
  };

  // `takes_space`: a space could follow. Go's decoder takes the end for one where none can.
  bool fail(std::string_view where, bool takes_space = true) {
    const auto offset = static_cast<std::size_t>(at_ - begin_);
    if (offset == text_.size() && takes_space)
      problem_ = "unexpected end of JSON input";
    else if (offset == text_.size())
      problem_ = "invalid character ' ' " + std::string(where);
    else
      problem_ = "invalid character " + quoted_byte(text_[offset]) + " " + std::string(where);
    return fail_here();
  }

  // Adds the place to what is wrong.
  bool fail_here() {
    const std::string_view before = text_.substr(0, static_cast<std::size_t>(at_ - begin_));
    const auto line = std::ranges::count(before, '\n') + 1;
    const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
    problem_ += " (line " + std::to_string(line) + ", column " + std::to_string(column) + ")";
    return false;
  }

  void skip_space() {
    while (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r') ++at_;
  }

  bool document(Value& root) {
    while (true) {
      Value value;
      bool is_open = false;
      if (!begin_value(value, is_open)) return false;
      if (is_open) continue;
      // What ends with it.
      while (true) {
        if (opens_.empty()) {
          root = value;
          skip_space();
          return at_ == end_ || fail("after top-level value");
        }
        Open& open = opens_.back();
        add(open, value);
        skip_space();
        if (*at_ == ',') {
          ++at_;
          if (open.is_object && !key(open)) return false;
          break;
        }
        if (*at_ != (open.is_object ? '}' : ']')) {
          return fail(open.is_object ? "after object key:value pair" : "after array element");
        }
        ++at_;
        value = close(open);
      }
    }
  }

  // A whole value, or the beginning of an object or list in which another one comes.
  bool begin_value(Value& value, bool& is_open) {
    skip_space();
    switch (*at_) {
      case '"': {
        std::string_view text;
        if (!string(text)) return false;
        value = Value::string_ref(text);
        return true;
      }
      case '{':
      case '[':
        return begin_nested(value, is_open);
      case 't':
        value = Value::boolean(true);
        return literal("true");
      case 'f':
        value = Value::boolean(false);
        return literal("false");
      case 'n':
        return literal("null");
      default:
        if (*at_ == '-' || is_digit(*at_)) return number(value);
        return fail("looking for beginning of value");
    }
  }

  bool begin_nested(Value& value, bool& is_open) {
    if (opens_.size() >= static_cast<std::size_t>(options_.max_depth)) {
      problem_ = "exceeded max depth of " + std::to_string(options_.max_depth);
      return fail_here();
    }
    const bool is_object = *at_ == '{';
    ++at_;
    skip_space();
    if (*at_ == (is_object ? '}' : ']')) {
      ++at_;
      value = is_object ? Value::object() : Value::array();
      return true;
    }
    is_open = true;
    opens_.push_back({.is_object = is_object, .first = entries_.size()});
    return !is_object || key(opens_.back());
  }

  bool key(Open& open) {
    skip_space();
    if (*at_ != '"') return fail("looking for beginning of object key string");
    if (!string(open.key)) return false;
    skip_space();
    if (*at_ != ':') return fail("after object key");
    ++at_;
    return true;
  }

  void add(Open& open, const Value& value) {
    Value* const earlier = open.is_object && !keeps_repeated_ ? find(open) : nullptr;
    if (earlier != nullptr) {
      report();
      *earlier = value;
      return;
    }
    if (open.places) open.places->emplace(open.key, entries_.size());
    entries_.push_back({open.key, value});
  }

  // The member of the object that has the key that is read, or nullptr.
  Value* find(Open& open) {
    const auto count = entries_.size() - open.first;
    if (count < kLinearUpTo) {
      for (std::size_t i = open.first; i < entries_.size(); ++i) {
        const std::string_view other = entries_[i].key;
        if (other.size() != open.key.size()) continue;
        if (other == open.key) return &entries_[i].value;
      }
      return nullptr;
    }
    if (!open.places) {
      open.places = std::make_unique<Places>();
      for (std::size_t i = open.first; i < entries_.size(); ++i) {
        open.places->emplace(entries_[i].key, i);
      }
    }
    const auto found = open.places->find(open.key);
    return found == open.places->end() ? nullptr : &entries_[found->second].value;
  }

  // Makes a value of what ended.
  Value close(const Open& open) {
    const std::span<const Member> own(entries_.begin() + static_cast<std::ptrdiff_t>(open.first),
                                      entries_.end());
    Value made = open.is_object ? Value::object(arena_, own) : Value::array();
    if (!open.is_object) {
      made.reserve_entries(arena_, own.size());
      for (const auto& [key, value] : own) made.append(arena_, value);
    }
    entries_.resize(open.first);
    opens_.pop_back();
    return made;
  }

  // "spec.containers[0].image": where the member stands that is read.
  void report() {
    if (options_.duplicate_fields == nullptr) return;
    if (options_.duplicate_fields->size() >= kMaxDuplicates) return;
    std::string path;
    for (std::size_t i = 0; i < opens_.size(); ++i) {
      const Open& open = opens_[i];
      if (open.is_object) {
        if (!path.empty()) path += '.';
        path += open.key;
        continue;
      }
      const std::size_t end = i + 1 < opens_.size() ? opens_[i + 1].first : entries_.size();
      path += '[' + std::to_string(end - open.first) + ']';
    }
    options_.duplicate_fields->push_back(std::move(path));
  }

  bool literal(std::string_view word) {
    for (const char wanted : word) {
      if (*at_ != wanted) {
        return fail("in literal " + std::string(word) + " (expecting '" + wanted + "')", false);
      }
      ++at_;
    }
    return true;
  }

  bool digits(std::string_view where) {
    if (!is_digit(*at_)) return fail(where, false);
    while (is_digit(*at_)) ++at_;
    return true;
  }

  bool number(Value& value) {
    const char* const first = at_;
    bool is_whole = true;
    if (*at_ == '-') ++at_;
    if (*at_ == '0')
      ++at_;
    else if (!digits("in numeric literal"))
      return false;
    if (*at_ == '.') {
      is_whole = false;
      ++at_;
      if (!digits("after decimal point in numeric literal")) return false;
    }
    if (*at_ == 'e' || *at_ == 'E') {
      is_whole = false;
      ++at_;
      if (*at_ == '+' || *at_ == '-') ++at_;
      if (!digits("in exponent of numeric literal")) return false;
    }
    if (is_whole) {
      std::int64_t whole = 0;
      const auto [stop, error] = std::from_chars(first, at_, whole);
      if (error == std::errc()) {
        value = Value::integer(whole);
        return true;
      }
    }
    value = Value::number(decimal(std::string_view(first, at_)));
    return true;
  }

  double decimal(std::string_view text) {
    double decimal = 0;
    const auto [stop, error] = std::from_chars(text.begin(), text.end(), decimal);
    // It does not tell what is too large from what is as good as nothing.
    if (error == std::errc::result_out_of_range) {
      decimal = std::strtod(std::string(text).c_str(), nullptr);
    }
    has_huge_number_ = has_huge_number_ || !std::isfinite(decimal);
    return decimal;
  }

  // The next byte from `at_` on that is not a string's as it stands.
  char* end_of_plain() const {
    char* at = at_;
    while (true) {
      const ByteBlock block = load_block(at);
      const std::size_t first = first_of((block == '"') | (block == '\\') | (block < 0x20));
      at += first;
      if (first < sizeof(ByteBlock)) return at;
    }
  }

  bool string(std::string_view& text) {
    const char* const first = ++at_;
    at_ = end_of_plain();
    if (*at_ == '"')
      text = {first, at_++};
    else if (!unescape(first, text))
      return false;
    if (!is_utf8_) text = arena_.copy(mend_utf8(text));
    return true;
  }

  // The rest of a string that began at `first` and has something else than plain bytes at `at_`.
  bool unescape(const char* first, std::string_view& text) {
    char* to = at_;
    while (*at_ != '"') {
      if (*at_ != '\\') return fail("in string literal");
      ++at_;
      if (!escape(to)) return false;
      const char* const plain = at_;
      at_ = end_of_plain();
      to = std::copy(plain, static_cast<const char*>(at_), to);
    }
    ++at_;
    text = {first, to};
    return true;
  }

  bool escape(char*& to) {
    static constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    if (*at_ == 'u') {
      ++at_;
      return escaped_point(to);
    }
    const std::size_t which = kEscapes.find(*at_);
    if (which == std::string_view::npos) return fail("in string escape code", false);
    ++at_;
    *to++ = kMeanings[which];
    return true;
  }

  bool escaped_point(char*& to) {
    constexpr unsigned kHigh = 0xD800, kLow = 0xDC00, kAfter = 0xE000, kNone = 0xFFFD;
    unsigned point = 0;
    if (!hex(at_, point)) return fail("in \\u hexadecimal character escape", false);
    if (point >= kHigh && point < kAfter) {
      char* after = at_ + 2;
      unsigned low = 0;
      const bool is_pair = point < kLow && at_[0] == '\\' && at_[1] == 'u' && hex(after, low) &&
                           low >= kLow && low < kAfter;
      if (is_pair) at_ = after;
      point = is_pair ? 0x10000 + ((point - kHigh) << 10) + (low - kLow) : kNone;
    }
    to = write_utf8(to, point);
    return true;
  }

  // Four digits from `at` on, which then stands behind them, or at what is none.
  static bool hex(char*& at, unsigned& number) {
    for (int i = 0; i < 4; ++i, ++at) {
      const char c = *at;
      const char lower = static_cast<char>(c | 0x20);
      if (is_digit(c))
        number = number * 16 + static_cast<unsigned>(c - '0');
      else if (lower >= 'a' && lower <= 'f')
        number = number * 16 + static_cast<unsigned>(lower - 'a' + 10);
      else
        return false;
    }
    return true;
  }

  Arena& arena_;
  const std::string_view text_;  // As it came: for what is wrong in it.
  const ParseOptions& options_;
  const bool keeps_repeated_;
  const bool is_utf8_;
  bool has_huge_number_ = false;
  const char* begin_ = nullptr;
  char* at_ = nullptr;
  const char* end_ = nullptr;
  std::vector<Open> opens_;
  std::vector<Member> entries_;  // Of all that is open, one after the other.
  std::string problem_;
};

Result<Value> parse(Arena& arena, std::string_view text, const ParseOptions& options,
                    bool keeps_repeated) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max() / 2) {
    return errors::too_large("JSON text is too large");
  }
  return Parser(arena, text, options, keeps_repeated).parse();
}

// Goes through a tree with its repeated members, as Go's decoder would.
class Reader {
 public:
  Reader(const std::vector<std::string>& first, const std::vector<std::string>& again)
      : first_(first.begin(), first.end()), again_(again.begin(), again.end()) {}

  void read(const Value& value) {
    if (value.is_array()) {
      std::size_t index = 0;
      for (const Value& item : value.items()) {
        below("[" + std::to_string(index++) + "]", [&] { read(item); });
      }
    } else if (value.is_object()) {
      std::unordered_set<std::string_view> seen;
      for (const auto& [key, member] : value.members()) {
        const bool is_again = !seen.insert(key).second;
        below((path_.empty() ? "" : ".") + std::string(key), [&] { take(is_again, member); });
      }
    }
  }
  std::vector<MetMember>&& met() { return std::move(met_); }

 private:
  void take(bool is_again, const Value& member) {
    // Each is told once.
    if (first_.contains(path_)) {
      if (told_.insert(path_).second) met_.push_back({path_, false});
      return;
    }
    if (is_again && again_.contains(path_) && told_.insert(path_).second) {
      met_.push_back({path_, true});
    }
    read(member);
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
  Arena arena;
  const auto tree = parse(arena, text, {}, true);
  Reader reader(first, again);
  if (tree) reader.read(*tree);
  return reader.met();
}

Result<Value> parse_json(Arena& arena, std::string_view text, ParseOptions options) {
  return parse(arena, text, options, false);
}

}  // namespace pinnace::api
