#include "api/selector.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "api/field_path.h"
#include "api/label_selector_parser.h"
#include "api/names.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::size_t kMaxRequirements = 1000;

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

Unexpected invalid_field(const FieldPath& path, std::string_view value, std::string_view why) {
  const Cause cause = cause::invalid(path.text(), value, why);
  return errors::bad_request(path.text() + ": " + cause.message);
}

std::string list_text(const std::vector<std::string>& values) {
  std::string text = "[]string{";
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += (i == 0 ? "" : ", ") + quoted(values[i]);
  }
  return text + "}";
}

Result<void> check_values(const LabelRequirement& requirement) {
  const FieldPath path = FieldPath("values");
  const auto& values = requirement.values;
  switch (requirement.op) {
    case LabelOperator::kIn:
    case LabelOperator::kNotIn:
      if (values.empty()) {
        return invalid_field(path, list_text(values),
                             "for 'in', 'notin' operators, values set can't be empty");
      }
      break;
    case LabelOperator::kExists:
    case LabelOperator::kDoesNotExist:
      if (!values.empty()) {
        return invalid_field(path, list_text(values),
                             "values set must be empty for exists and does not exist");
      }
      break;
    case LabelOperator::kGreaterThan:
    case LabelOperator::kLessThan:
      if (values.size() != 1) {
        return invalid_field(path, list_text(values),
                             "for 'Gt', 'Lt' operators, exactly one value is required");
      }
      if (!parse_int(values[0])) {
        return invalid_field(path.index(0), quoted(values[0]),
                             "for 'Gt', 'Lt' operators, the value must be an integer");
      }
      break;
    default:
      if (values.size() != 1) {
        return invalid_field(path, list_text(values),
                             "exact-match compatibility requires one single value");
      }
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Complaints complaints = check_label_value(values[i]);
    if (complaints.empty()) continue;
    return invalid_field(path.index(i).key(requirement.key), quoted(values[i]),
                         join_complaints(complaints));
  }
  return {};
}

constexpr std::pair<std::string_view, LabelOperator> kExpressionOperators[] = {
    {"In", LabelOperator::kIn},
    {"NotIn", LabelOperator::kNotIn},
    {"Exists", LabelOperator::kExists},
    {"DoesNotExist", LabelOperator::kDoesNotExist},
};

std::string_view operator_text(LabelOperator op) {
  switch (op) {
    case LabelOperator::kIn:
      return " in ";
    case LabelOperator::kNotIn:
      return " notin ";
    case LabelOperator::kEquals:
      return "=";
    case LabelOperator::kDoubleEquals:
      return "==";
    case LabelOperator::kNotEquals:
      return "!=";
    case LabelOperator::kGreaterThan:
      return ">";
    case LabelOperator::kLessThan:
      return "<";
    default:
      return "";
  }
}

bool contains(const std::vector<std::string>& values, std::string_view wanted) {
  return std::ranges::any_of(values, [&](const std::string& value) { return value == wanted; });
}

}  // namespace

Result<LabelRequirement> make_requirement(std::string_view key, LabelOperator op,
                                          std::vector<std::string> values) {
  const Complaints complaints = check_qualified_name(key);
  if (!complaints.empty()) {
    return invalid_field(FieldPath("key"), quoted(key), join_complaints(complaints));
  }
  LabelRequirement requirement{std::string(key), op, std::move(values)};
  if (Result<void> good = check_values(requirement); !good) return Unexpected(good.error());
  std::ranges::sort(requirement.values);
  const auto rest = std::ranges::unique(requirement.values);
  requirement.values.erase(rest.begin(), rest.end());
  return requirement;
}

bool LabelRequirement::matches(const std::string_view* label) const {
  switch (op) {
    case LabelOperator::kIn:
    case LabelOperator::kEquals:
    case LabelOperator::kDoubleEquals:
      return label != nullptr && contains(values, *label);
    case LabelOperator::kNotIn:
    case LabelOperator::kNotEquals:
      return label == nullptr || !contains(values, *label);
    case LabelOperator::kExists:
      return label != nullptr;
    case LabelOperator::kDoesNotExist:
      return label == nullptr;
    case LabelOperator::kGreaterThan:
    case LabelOperator::kLessThan: {
      if (label == nullptr) return false;
      const std::optional<std::int64_t> have = parse_int(*label);
      const std::optional<std::int64_t> limit = parse_int(values[0]);
      if (!have || !limit) return false;
      return op == LabelOperator::kGreaterThan ? *have > *limit : *have < *limit;
    }
  }
  return false;
}

std::string LabelRequirement::text() const {
  if (op == LabelOperator::kExists) return key;
  if (op == LabelOperator::kDoesNotExist) return "!" + key;
  const std::string head = key + std::string(operator_text(op));
  const bool set = op == LabelOperator::kIn || op == LabelOperator::kNotIn;
  return set ? head + "(" + join(values, ",") + ")" : head + values[0];
}

LabelSelector LabelSelector::nothing() {
  LabelSelector selector;
  selector.nothing_ = true;
  return selector;
}

LabelSelector LabelSelector::from_map(const LabelMap& labels) {
  std::vector<LabelRequirement> requirements;
  for (const auto& [key, value] : labels) {
    requirements.push_back({key, LabelOperator::kEquals, {value}});
  }
  return LabelSelector(std::move(requirements));
}

bool LabelSelector::matches(const LabelMap& labels) const {
  if (nothing_) return false;
  return std::ranges::all_of(requirements_, [&](const LabelRequirement& requirement) {
    const auto label = labels.find(requirement.key);
    if (label == labels.end()) return requirement.matches(nullptr);
    const std::string_view value = label->second;
    return requirement.matches(&value);
  });
}

bool LabelSelector::matches(const Value* labels) const {
  if (nothing_) return false;
  return std::ranges::all_of(requirements_, [&](const LabelRequirement& requirement) {
    const Value* label = labels == nullptr ? nullptr : labels->find(requirement.key);
    if (label == nullptr) return requirement.matches(nullptr);
    const std::string_view value = label->is_string() ? label->as_string() : std::string_view();
    return requirement.matches(&value);
  });
}

std::string LabelSelector::text() const {
  std::vector<const LabelRequirement*> sorted;
  for (const LabelRequirement& requirement : requirements_) sorted.push_back(&requirement);
  std::ranges::stable_sort(sorted, {}, &LabelRequirement::key);
  std::string text;
  for (const LabelRequirement* requirement : sorted) {
    if (!text.empty()) text += ',';
    text += requirement->text();
  }
  return text;
}

Result<LabelSelector> make_label_selector(const LabelMap& match_labels,
                                          const std::vector<LabelExpression>& expressions) {
  if (match_labels.size() + expressions.size() > kMaxRequirements) {
    return errors::bad_request("a label selector may have at most " +
                               std::to_string(kMaxRequirements) + " requirements");
  }
  std::vector<LabelRequirement> requirements;
  for (const auto& [key, value] : match_labels) {
    Result<LabelRequirement> made = make_requirement(key, LabelOperator::kIn, {value});
    if (!made) return Unexpected(made.error());
    made->op = LabelOperator::kEquals;
    requirements.push_back(std::move(*made));
  }
  for (const LabelExpression& expression : expressions) {
    const auto known = std::ranges::find(kExpressionOperators, expression.op,
                                         [](const auto& entry) { return entry.first; });
    if (known == std::end(kExpressionOperators)) {
      return errors::bad_request(quoted(expression.op) + " is not a valid label selector operator");
    }
    Result<LabelRequirement> made =
        make_requirement(expression.key, known->second, expression.values);
    if (!made) return Unexpected(made.error());
    requirements.push_back(std::move(*made));
  }
  return LabelSelector(std::move(requirements));
}

Result<LabelSelector> label_selector_of(const Value* selector) {
  if (selector == nullptr || selector->is_null()) return LabelSelector::nothing();
  if (!selector->is_object()) return errors::bad_request("a label selector must be an object");
  LabelMap labels;
  std::vector<LabelExpression> expressions;
  const Value* match_labels = selector->find("matchLabels");
  if (match_labels != nullptr && match_labels->is_object()) {
    for (const Member& label : match_labels->members()) {
      if (!label.value.is_string()) return errors::bad_request("matchLabels: must be strings");
      labels.emplace(label.key, label.value.as_string());
    }
  }
  const Value* match_expressions = selector->find("matchExpressions");
  if (match_expressions != nullptr && match_expressions->is_array()) {
    for (const Value& item : match_expressions->items()) {
      LabelExpression& expression = expressions.emplace_back();
      expression.key = item.string_at("key");
      expression.op = item.string_at("operator");
      const Value* values = item.find("values");
      if (values == nullptr || !values->is_array()) continue;
      for (const Value& value : values->items()) {
        if (value.is_string()) expression.values.emplace_back(value.as_string());
      }
    }
  }
  return make_label_selector(labels, expressions);
}

}  // namespace pinnace::api
