// Expressions with their values, errors and costs are in testdata/*.txt:
//
//   1 + 2                      the expression, on one or more lines
//   => 3                       its value as CEL writes it; or
//   !! no such key: a          the error of its evaluation; or
//   ?? undeclared reference    part of the errors of its compilation
//   $$ 7                       what evaluating it costs, where that matters
//   ~~ 0 12                    the estimate of that, likewise
//
// A line "## vars {...}" declares what the members of the JSON object are as variables, all dyn; a
// line "## schema {...}" is the schema of `self` and `oldSelf`, whose values the next lines
// "## self {...}" and "## oldSelf {...}" are.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "api/json.h"
#include "cel/environment.h"
#include "cel/internal/format_text.h"
#include "cel/internal/text_of.h"
#include "cel/schema_types.h"

namespace pinnace::cel {
namespace {

std::string show(Workspace& space, const Value& value);

std::string show_map(Workspace& space, const Value& value) {
  std::string text = "{";
  for (std::size_t i = 0; i < value.map_size(); ++i) {
    if (i > 0) text += ", ";
    text += show(space, value.key(i)) + ": " + show(space, value.value(space, i));
  }
  return text + "}";
}

std::string show_list(Workspace& space, const Value& value) {
  std::string text = "[";
  for (std::size_t i = 0; i < value.list_size(); ++i) {
    text += (i > 0 ? ", " : "") + show(space, value.item(space, i));
  }
  return text + "]";
}

// A literal of the value, as far as there is one.
std::string show(Workspace& space, const Value& value) {
  switch (value.kind()) {
    case Kind::kError:
      return "!!" + std::string(value.error_message());
    case Kind::kNull:
      return "null";
    case Kind::kUint:
      return internal::text_of(value) + "u";
    case Kind::kDouble: {
      const std::string text = internal::text_of(value);
      return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
    }
    case Kind::kString:
      return internal::quoted(value.as_text());
    case Kind::kBytes:
      return "b" + internal::quoted(value.as_text());
    case Kind::kDuration:
      return "duration(" + internal::text_of(value) + ")";
    case Kind::kTimestamp:
      return "timestamp(" + internal::text_of(value) + ")";
    case Kind::kType:
      return std::string(runtime_name(value.as_type()));
    case Kind::kOptional:
      if (value.as_optional() == nullptr) return "optional.none()";
      return "optional.of(" + show(space, *value.as_optional()) + ")";
    case Kind::kList:
      return show_list(space, value);
    case Kind::kMap:
      return show_map(space, value);
    case Kind::kObject:
      return std::string(value.runtime_type().name) + show_map(space, value);
    case Kind::kOpaque:
      return std::string(value.as_opaque().type().name);
    default:
      return internal::text_of(value);
  }
}

class Script {
 public:
  explicit Script(const std::filesystem::path& path) : path_(path), file_(path) {}

  int run() {
    std::string line;
    while (std::getline(file_, line)) {
      ++number_;
      if (line.empty() || line.starts_with("# ")) {
        expression_.clear();
      } else if (line.starts_with("## ")) {
        declare(line.substr(3));
      } else if (line.size() > 2 && line[2] == ' ' && is_mark(line.substr(0, 2))) {
        expect(line.substr(0, 2), line.substr(3));
      } else {
        expression_ += (expression_.empty() ? "" : "\n") + line;
        ran_ = false;
      }
    }
    return checks_;
  }

 private:
  static bool is_mark(const std::string& mark) {
    return mark == "=>" || mark == "!!" || mark == "??" || mark == "$$" || mark == "~~";
  }

  const api::Value* parse(const std::string& json) {
    const auto parsed = api::parse_json(space_.arena(), space_.copy(json));
    EXPECT_TRUE(parsed) << path_ << ":" << number_;
    return space_.make<api::Value>(parsed ? *parsed : api::Value());
  }

  void declare(const std::string& text) {
    const std::string word = text.substr(0, text.find(' '));
    const api::Value* value = parse(text.substr(text.find(' ') + 1));
    if (word == "vars") {
      variables_.clear();
      values_.clear();
      for (const api::Member& member : value->members()) {
        variables_.push_back({std::string(member.key), &kDynType});
        values_.push_back(Value::json(space_, member.value));
      }
    } else if (word == "schema") {
      self_ = schema_type(types_, *value, "self");
      ASSERT_NE(self_, nullptr) << path_ << ":" << number_;
      variables_ = {{"self", self_}, {"oldSelf", self_}};
      values_ = {Value::null(), Value::null()};
    } else {
      ASSERT_TRUE(word == "self" || word == "oldSelf") << path_ << ":" << number_;
      values_[word == "self" ? 0 : 1] = Value::json(space_, *value, *self_);
    }
  }

  void evaluate() {
    ran_ = true;
    const Environment environment(variables_, {.patches = true});
    auto program = environment.compile(expression_);
    compiled_ = program.has_value();
    if (!compiled_) {
      error_ = program.error().message;
      return;
    }
    estimate_ = program->cost_estimate();
    outcome_ = program->evaluate(space_, values_);
    program_ = std::move(*program);
  }

  void expect(const std::string& mark, const std::string& wanted) {
    SCOPED_TRACE(path_.filename().string() + ":" + std::to_string(number_) + ": " + expression_);
    if (!ran_) evaluate();
    ++checks_;
    if (mark == "??") {
      EXPECT_FALSE(compiled_);
      EXPECT_NE(error_.find(wanted), std::string::npos) << error_;
      return;
    }
    ASSERT_TRUE(compiled_) << error_;
    if (mark == "$$") {
      EXPECT_EQ(std::to_string(outcome_.cost), wanted);
    } else if (mark == "~~") {
      EXPECT_EQ(std::to_string(estimate_.min) + " " + std::to_string(estimate_.max), wanted);
    } else {
      const std::string shown = show(space_, outcome_.value);
      EXPECT_EQ(shown, mark == "!!" ? "!!" + wanted : wanted);
    }
  }

  std::filesystem::path path_;
  std::ifstream file_;
  int number_ = 0, checks_ = 0;
  Workspace space_;
  TypePool types_;
  const Type* self_ = nullptr;
  std::vector<Environment::Variable> variables_;
  std::vector<Value> values_;
  std::string expression_;
  bool ran_ = false, compiled_ = false;
  std::string error_;
  std::optional<Program> program_;  // Its constants may be the result.
  Outcome outcome_;
  CostEstimate estimate_;
};

TEST(Cel, EvaluatesTheScripts) {
  const std::filesystem::path folder = CEL_TESTDATA;
  int checks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const int each = Script(entry.path()).run();
    EXPECT_GT(each, 0) << entry.path();
    checks += each;
  }
  EXPECT_GT(checks, 300);
}

}  // namespace
}  // namespace pinnace::cel
