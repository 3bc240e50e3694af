// Label and field selectors: what `-l` and `--field-selector` mean.
//
// Errors: 400 BadRequest with Kubernetes' texts.
// Bounds: a selector has at most 1,000 requirements and 10,000 values in all.
// Threads: immutable once made.
// Source: k8s.io/apimachinery/pkg/labels, pkg/fields and metav1.LabelSelector.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::api {

using LabelMap = std::map<std::string, std::string, std::less<>>;

enum class LabelOperator : std::uint8_t {
  kIn,
  kNotIn,
  kEquals,
  kDoubleEquals,
  kNotEquals,
  kExists,
  kDoesNotExist,
  kGreaterThan,
  kLessThan,
};

struct LabelRequirement {
  std::string key;
  LabelOperator op = LabelOperator::kExists;
  std::vector<std::string> values;  // Sorted, each once.

  // `label` is nullptr where the object has no such label.
  bool matches(const std::string_view* label) const;
  std::string text() const;
};

// One element of metav1.LabelSelector.matchExpressions.
struct LabelExpression {
  std::string key;
  std::string op;  // "In", "NotIn", "Exists", "DoesNotExist"
  std::vector<std::string> values;
};

class LabelSelector {
 public:
  // Matches everything.
  LabelSelector() = default;
  static LabelSelector nothing();
  // Every label must be there with its value, as in Service.spec.selector; no labels match all.
  static LabelSelector from_map(const LabelMap& labels);
  explicit LabelSelector(std::vector<LabelRequirement> requirements)
      : requirements_(std::move(requirements)) {}

  bool matches(const LabelMap& labels) const;
  // `labels` is metadata.labels; nullptr or no object means no labels.
  bool matches(const Value* labels) const;
  bool matches_everything() const { return !nothing_ && requirements_.empty(); }
  bool matches_nothing() const { return nothing_; }
  const std::vector<LabelRequirement>& requirements() const { return requirements_; }
  // The string form, requirements by key: "app=web,tier in (a,b)".
  std::string text() const;

 private:
  bool nothing_ = false;
  std::vector<LabelRequirement> requirements_;
};

// The string form: "a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2"; empty matches everything.
Result<LabelSelector> parse_label_selector(std::string_view text);

// The form of the API's spec.selector: matchLabels and matchExpressions; both empty match
// everything.
Result<LabelSelector> make_label_selector(const LabelMap& match_labels,
                                          const std::vector<LabelExpression>& expressions);
// The same from JSON; nullptr or null matches nothing.
Result<LabelSelector> label_selector_of(const Value* selector);
// The same from the generated meta_v1::LabelSelector.
template <typename Selector>
Result<LabelSelector> label_selector_of(const Selector& selector) {
  std::vector<LabelExpression> expressions;
  for (const auto& expression : selector.match_expressions) {
    expressions.push_back({expression.key, expression.operator_, expression.values});
  }
  return make_label_selector(selector.match_labels, expressions);
}

struct FieldRequirement {
  std::string field;
  std::string value;
  bool negated = false;
};

class FieldSelector {
 public:
  // Matches everything.
  FieldSelector() = default;
  explicit FieldSelector(std::vector<FieldRequirement> requirements)
      : requirements_(std::move(requirements)) {}

  // Asks `field_text(field)` for the text of each field that it names.
  template <typename FieldText>
  bool matches_fields(const FieldText& field_text) const {
    for (const FieldRequirement& requirement : requirements_) {
      const bool is_equal = field_text(std::string_view(requirement.field)) == requirement.value;
      if (is_equal == requirement.negated) return false;
    }
    return true;
  }
  // Takes fields as paths from the object's root. A member that is missing is "", and equals
  // "false" and "0" too: JSON leaves out what is empty.
  bool matches(const Value& object) const;
  bool matches_everything() const { return requirements_.empty(); }
  const std::vector<FieldRequirement>& requirements() const { return requirements_; }
  // The value that the field must have, or nullptr where the selector leaves it open.
  const std::string* required_value(std::string_view field) const;
  std::string text() const;

 private:
  std::vector<FieldRequirement> requirements_;
};

// "metadata.name=x,status.phase!=Running"; backslash escapes ',', '=' and itself in values.
Result<FieldSelector> parse_field_selector(std::string_view text);

}  // namespace pinnace::api
