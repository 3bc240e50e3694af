#include <algorithm>

#include "api/selector.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::size_t kMaxTerms = 1000;

// Splits at commas that no backslash stands before.
std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  std::size_t from = 0;
  bool escaped = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (escaped) {
      escaped = false;
    } else if (text[i] == '\\') {
      escaped = true;
    } else if (text[i] == ',') {
      terms.push_back(text.substr(from, i - from));
      from = i + 1;
    }
  }
  terms.push_back(text.substr(from));
  return terms;
}

Result<std::string> unescape(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      const char next = i + 1 < text.size() ? text[i + 1] : '\0';
      if (next != '\\' && next != ',' && next != '=') {
        return errors::bad_request("invalid field selector: invalid escape sequence: " +
                                   std::string(text.substr(i, 2)));
      }
      value += next;
      ++i;
    } else if (text[i] == ',' || text[i] == '=') {
      return errors::bad_request(
          std::string("invalid field selector: unescaped character in value: ") + text[i]);
    } else {
      value += text[i];
    }
  }
  return value;
}

std::string escape(std::string_view value) {
  std::string text;
  for (char c : value) {
    if (c == '\\' || c == ',' || c == '=') text += '\\';
    text += c;
  }
  return text;
}

struct Term {
  std::string_view field, op, value;
};

// At the first operator; none gives an empty `op`.
Term split_term(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (std::string_view op : {"!=", "==", "="}) {
      if (text.substr(i).starts_with(op)) {
        return {text.substr(0, i), op, text.substr(i + op.size())};
      }
    }
  }
  return {text, "", ""};
}

bool equals(const Value* value, std::string_view wanted) {
  if (value == nullptr || value->is_null()) {
    return wanted.empty() || wanted == "false" || wanted == "0";
  }
  if (value->is_string()) return value->as_string() == wanted;
  if (value->is_bool()) return wanted == (value->as_bool() ? "true" : "false");
  if (value->is_int()) return wanted == std::to_string(value->as_int());
  return false;
}

const Value* at_path(const Value& object, std::string_view path) {
  const Value* value = &object;
  for (std::string_view name : split(path, '.')) {
    value = value->find(name);
    if (value == nullptr) return nullptr;
  }
  return value;
}

}  // namespace

bool FieldSelector::matches(const Value& object) const {
  return std::ranges::all_of(requirements_, [&](const FieldRequirement& requirement) {
    return equals(at_path(object, requirement.field), requirement.value) != requirement.negated;
  });
}

const std::string* FieldSelector::required_value(std::string_view field) const {
  for (const FieldRequirement& requirement : requirements_) {
    if (!requirement.negated && requirement.field == field) return &requirement.value;
  }
  return nullptr;
}

std::string FieldSelector::text() const {
  std::string text;
  for (const FieldRequirement& requirement : requirements_) {
    if (!text.empty()) text += ',';
    text += requirement.field + (requirement.negated ? "!=" : "=") + escape(requirement.value);
  }
  return text;
}

Result<FieldSelector> parse_field_selector(std::string_view text) {
  std::vector<FieldRequirement> requirements;
  std::vector<std::string_view> parts = split_terms(text);
  // Of several terms that are none, the first in this order is told of.
  std::ranges::sort(parts);
  for (std::string_view part : parts) {
    if (part.empty()) continue;
    if (requirements.size() >= kMaxTerms) {
      return errors::bad_request("a field selector may have at most " + std::to_string(kMaxTerms) +
                                 " terms");
    }
    const Term term = split_term(part);
    if (term.op.empty()) {
      return errors::bad_request("invalid selector: '" + std::string(text) +
                                 "'; can't understand '" + std::string(part) + "'");
    }
    Result<std::string> value = unescape(term.value);
    if (!value) return Unexpected(value.error());
    requirements.push_back({std::string(term.field), std::move(*value), term.op == "!="});
  }
  return FieldSelector(std::move(requirements));
}

}  // namespace pinnace::api
