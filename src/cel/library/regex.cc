// matches(), find() and findAll(): RE2, as in cel-go, so that no pattern takes long.
#include <re2/re2.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "api/structural/pattern.h"
#include "cel/internal/functions.h"
#include "cel/internal/planner.h"

namespace pinnace::cel::internal {
namespace {

class Pattern : public Prepared {
 public:
  explicit Pattern(std::string_view pattern)
      : regex_(re2::StringPiece(pattern.data(), pattern.size()), options()) {}
  const re2::RE2& regex() const { return regex_; }

 private:
  static re2::RE2::Options options() {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(std::int64_t{8} << 20);
    return options;
  }

  re2::RE2 regex_;
};

// The pattern of a call: made when the program was, or now.
class PatternOf {
 public:
  explicit PatternOf(const Call& call) {
    if (call.expr.prepared != nullptr) {
      pattern_ = static_cast<const Pattern*>(static_cast<const Prepared*>(call.expr.prepared));
    } else {
      own_ = std::make_unique<Pattern>(call.text(1));
      pattern_ = own_.get();
    }
  }
  const re2::RE2& operator*() const { return pattern_->regex(); }
  bool ok() const { return pattern_->regex().ok(); }

 private:
  std::unique_ptr<Pattern> own_;
  const Pattern* pattern_;
};

// What is wrong with a pattern, in Go's words.
std::string fault_of(const re2::RE2& regex) {
  const auto judged = api::structural::Pattern::compile(regex.pattern());
  return judged ? "error parsing regexp: " + regex.error() : judged.error().message;
}

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

Value matches(const Call& call) {
  const PatternOf pattern(call);
  if (!pattern.ok()) return call.error(fault_of(*pattern));
  return Value::boolean(re2::RE2::PartialMatch(piece(call.text(0)), *pattern));
}

Value find(const Call& call) {
  const PatternOf pattern(call);
  if (!pattern.ok()) return call.error("Illegal regex: " + fault_of(*pattern));
  const std::string_view text = call.text(0);
  re2::StringPiece found;
  if (!(*pattern).Match(piece(text), 0, text.size(), re2::RE2::UNANCHORED, &found, 1)) {
    return Value::string("");
  }
  return Value::string({found.data(), found.size()});
}

Value find_all(const Call& call) {
  const PatternOf pattern(call);
  if (!pattern.ok()) return call.error("Illegal regex: " + fault_of(*pattern));
  const std::string_view text = call.text(0);
  std::int64_t most = call.count == 3 ? call.integer(2) : -1;
  if (most < 0) most = std::numeric_limits<std::int64_t>::max();
  std::vector<Value> items;
  std::size_t at = 0, last_end = std::string_view::npos;
  while (at <= text.size() && static_cast<std::int64_t>(items.size()) < most) {
    re2::StringPiece found;
    if (!(*pattern).Match(piece(text), at, text.size(), re2::RE2::UNANCHORED, &found, 1)) break;
    const auto begin = static_cast<std::size_t>(found.data() - text.data());
    const std::size_t end = begin + found.size();
    // An empty match right behind another one is none.
    if (!found.empty() || begin != last_end) {
      items.push_back(Value::string({found.data(), found.size()}));
    }
    last_end = end;
    at = found.empty() ? end + 1 : end;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  }
  Value* kept = call.space.allocate<Value>(items.size());
  std::uninitialized_copy(items.begin(), items.end(), kept);
  return Value::list({kept, items.size()});
}

constexpr Declaration kDeclarations[] = {
    {"matches", "matches", "(string, string) -> bool", matches},
    {"matches", "matches_string", "string.(string) -> bool", matches},
    {"find", "string_find_string", "string.(string) -> string", find},
    {"findAll", "string_find_all_string", "string.(string) -> list(string)", find_all},
    {"findAll", "string_find_all_string_int", "string.(string, int) -> list(string)", find_all},
};

}  // namespace

std::unique_ptr<Prepared> prepare_pattern(std::string_view pattern, std::string* error) {
  auto prepared = std::make_unique<Pattern>(pattern);
  if (prepared->regex().ok()) return prepared;
  *error = fault_of(prepared->regex());
  return nullptr;
}

std::span<const Declaration> regex_declarations() { return kDeclarations; }

}  // namespace pinnace::cel::internal
