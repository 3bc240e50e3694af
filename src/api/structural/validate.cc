#include "api/structural/validate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string_view>

#include "api/apply/path_element.h"
#include "api/json.h"
#include "api/member_index.h"
#include "api/structural/canonical.h"
#include "api/structural/formats.h"

namespace pinnace::api::structural {
namespace {

// A number as Go's %v prints it.
std::string go_number(double number) {
  char text[40];
  if (number == std::floor(number) && std::fabs(number) < 1e6) {
    std::snprintf(text, sizeof text, "%.0f", number);
    return text;
  }
  // The fewest digits that say which number it is.
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, number);
    double back = 0;
    if (std::sscanf(text, "%lf", &back) == 1 && back == number) break;
  }
  if (std::fabs(number) >= 1e-4 && std::fabs(number) < 1e6) return text;
  for (int digits = 0; digits <= 16; ++digits) {
    std::snprintf(text, sizeof text, "%.*e", digits, number);
    double back = 0;
    if (std::sscanf(text, "%lf", &back) == 1 && back == number) break;
  }
  return text;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string quoted(std::string_view text) { return apply::go_quoted(text); }

std::string_view json_type(const Value& value) {
  switch (value.type()) {
    case Value::Type::kNull:
      return "null";
    case Value::Type::kBool:
      return "boolean";
    case Value::Type::kInt:
      return "integer";
    case Value::Type::kDouble:
      return "number";
    case Value::Type::kString:
      return "string";
    case Value::Type::kArray:
      return "array";
    case Value::Type::kObject:
      return "object";
  }
  return "";
}

bool is_whole(const Value& value) {
  return value.is_int() ||
         (value.type() == Value::Type::kDouble &&
          value.as_double() == std::floor(value.as_double()) && std::isfinite(value.as_double()));
}

bool is_of_type(const Value& value, const Node& schema) {
  if (schema.int_or_string) return is_whole(value) || value.is_string();
  switch (schema.type) {
    case Type::kAny:
      return true;
    case Type::kObject:
      return value.is_object();
    case Type::kArray:
      return value.is_array();
    case Type::kString:
      return value.is_string();
    case Type::kInteger:
      return is_whole(value);
    case Type::kNumber:
      return value.is_number();
    case Type::kBoolean:
      return value.is_bool();
  }
  return true;
}

class Validator {
 public:
  Validator(std::vector<Cause>& causes, std::string path)
      : causes_(causes), path_(std::move(path)) {}

  void check(const Value& value, const Node& schema, const Value* old) {
    if (causes_.size() >= kMaxCauses) return;
    const std::size_t before = causes_.size();
    check_all(value, schema, old);
    // What was accepted once is not refused for what it was before.
    if (causes_.size() > before && old != nullptr && equal(*old, value)) causes_.resize(before);
  }

 private:
  void check_all(const Value& value, const Node& schema, const Value* old) {
    if (value.is_null()) {
      const bool is_typed = schema.type != Type::kAny || schema.int_or_string;
      if (is_typed && !schema.nullable) wrong_type(schema, "null");
      if (schema.checks != nullptr) check_enum(value, *schema.checks);
      return;
    }
    if (!is_of_type(value, schema)) wrong_type(schema, json_type(value));
    const Checks* checks = schema.checks;
    if (checks != nullptr) {
      check_composition(value, *checks, old);
      if (value.is_string()) check_text(value, *checks);
      if (value.is_number()) check_number(value, *checks);
      if (value.is_array()) check_list(value, *checks);
      check_enum(value, *checks);
      if (value.is_object()) check_object(value, *checks);
    }
    if (value.is_array()) check_items(value, schema, old);
    if (value.is_object()) check_members(value, schema, old);
  }

  // "spec.replicas in body"
  std::string here() const { return path_ + " in body "; }
  std::string field() const { return path_.empty() ? "<nil>" : path_; }

  void invalid(std::string_view json, std::string_view what) {
    causes_.push_back(cause::invalid(field(), json, here() + std::string(what)));
  }
  // Of the whole object: what a combination of schemas says names no field.
  void wrong_combination(std::string_view what) {
    causes_.push_back(cause::invalid("<nil>", "\"\"", quoted(path_) + std::string(what)));
  }

  void wrong_type(const Node& schema, std::string_view found) {
    const std::string_view wanted =
        schema.int_or_string ? "integer,string" : type_name(schema.type);
    wrong_form(wanted, found);
  }
  void wrong_form(std::string_view wanted, std::string_view found) {
    causes_.push_back(cause::type_invalid(
        field(), quoted(found),
        here() + "must be of type " + std::string(wanted) + ": " + quoted(found)));
  }

  void check_text(const Value& value, const Checks& checks) {
    const std::string_view text = value.as_string();
    if (checks.max_length || checks.min_length) {
      const auto length = static_cast<std::int64_t>(count_characters(text));
      if (checks.max_length && length > *checks.max_length) {
        causes_.push_back(cause::too_long(
            field(), static_cast<std::size_t>(std::max<std::int64_t>(*checks.max_length, 0))));
      }
      if (checks.min_length && length < *checks.min_length) {
        invalid(quoted(text),
                "should be at least " + std::to_string(*checks.min_length) + " chars long");
      }
    }
    if (checks.pattern != nullptr && !checks.pattern->matches(text)) {
      invalid(quoted(text), "should match '" + std::string(checks.pattern_text) + "'");
    }
    if (!checks.format.empty() && !matches_format(checks.format, text)) {
      wrong_form(checks.format, text);
    }
  }

  void check_number(const Value& value, const Checks& checks) {
    const double number = value.as_double();
    const auto complain = [&](std::string_view what, double bound) {
      invalid(to_json_text(value), std::string(what) + go_number(bound));
    };
    if (checks.format == "int32" && value.is_int() && std::fabs(number) > 2147483648.0) {
      causes_.push_back(cause::invalid(
          "<nil>", "\"\"", "Checked value must be of type integer with format int32 in " + path_));
    }
    if (checks.multiple_of && *checks.multiple_of > 0) {
      const double times = number / *checks.multiple_of;
      if (times != std::floor(times)) complain("should be a multiple of ", *checks.multiple_of);
    }
    if (checks.maximum) {
      if (checks.exclusive_maximum ? number >= *checks.maximum : number > *checks.maximum) {
        complain(
            checks.exclusive_maximum ? "should be less than " : "should be less than or equal to ",
            *checks.maximum);
      }
    }
    if (checks.minimum) {
      if (checks.exclusive_minimum ? number <= *checks.minimum : number < *checks.minimum) {
        complain(checks.exclusive_minimum ? "should be greater than "
                                          : "should be greater than or equal to ",
                 *checks.minimum);
      }
    }
  }

  void check_list(const Value& value, const Checks& checks) {
    const auto size = static_cast<std::int64_t>(value.size());
    if (checks.min_items && size < *checks.min_items) {
      invalid(std::to_string(size),
              "should have at least " + std::to_string(*checks.min_items) + " items");
    }
    if (checks.max_items && size > *checks.max_items) {
      causes_.push_back(
          cause::too_many(field(), value.size(), static_cast<std::size_t>(*checks.max_items)));
    }
    if (!checks.unique_items) return;
    CanonicalSet seen;
    for (const Value& item : value.items()) {
      if (!seen.add(item)) return invalid("\"\"", "shouldn't contain duplicates");
    }
  }

  void check_enum(const Value& value, const Checks& checks) {
    if (!checks.has_enum) return;
    for (const Value& allowed : checks.enum_values) {
      if (equal(allowed, value)) return;
    }
    std::vector<std::string> names;
    for (const Value& allowed : checks.enum_values) {
      names.push_back(allowed.is_string() ? std::string(allowed.as_string())
                                          : to_json_text(allowed));
    }
    causes_.push_back(cause::not_supported(
        field(), value.is_string() ? quoted(value.as_string()) : to_json_text(value), names));
  }

  void check_object(const Value& value, const Checks& checks) {
    const auto size = static_cast<std::int64_t>(value.size());
    if (checks.min_properties && size < *checks.min_properties) {
      invalid(std::to_string(size),
              "should have at least " + std::to_string(*checks.min_properties) + " properties");
    }
    if (checks.max_properties && size > *checks.max_properties) {
      causes_.push_back(
          cause::too_many(field(), value.size(), static_cast<std::size_t>(*checks.max_properties)));
    }
    for (const std::string_view name : checks.required) {
      if (value.find(name) != nullptr) continue;
      causes_.push_back(cause::required((path_.empty() ? "" : path_ + ".") + std::string(name)));
    }
  }

  void check_items(const Value& value, const Node& schema, const Value* old) {
    if (schema.items == nullptr) return;
    std::size_t index = 0;
    const ItemCorrelation before(schema, old);
    for (const Value& item : value.items()) {
      const std::size_t size = path_.size();
      (path_ += '[') += std::to_string(index) += ']';
      check(item, *schema.items, before.of(item));
      path_.resize(size);
      ++index;
    }
  }

  void check_members(const Value& value, const Node& schema, const Value* old) {
    std::optional<MemberIndex> before;
    if (old != nullptr && old->is_object()) before.emplace(*old);
    for (const Member& member : value.members()) {
      const Node* below = schema.property(member.key);
      if (below == nullptr) below = schema.additional;
      if (below == nullptr) continue;
      const std::size_t size = path_.size();
      if (!path_.empty()) path_ += '.';
      path_ += member.key;
      check(member.value, *below, before ? before->find(member.key) : nullptr);
      path_.resize(size);
    }
  }

  // What the value is told by one of several schemas.
  std::vector<Cause> ask(const Value& value, const Node& schema, const Value* old) {
    std::vector<Cause> said;
    Validator(said, path_).check(value, schema, old);
    return said;
  }
  void take(std::vector<Cause>&& more) {
    causes_.insert(causes_.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
  }

  void check_composition(const Value& value, const Checks& checks, const Value* old) {
    if (!checks.any_of.empty()) check_any_of(value, checks, old);
    if (!checks.one_of.empty()) check_one_of(value, checks, old);
    if (!checks.all_of.empty()) check_all_of(value, checks, old);
    if (checks.not_node != nullptr && ask(value, *checks.not_node, nullptr).empty()) {
      wrong_combination(" must not validate the schema (not)");
    }
  }

  void check_any_of(const Value& value, const Checks& checks, const Value* old) {
    std::vector<Cause> first;
    for (const Node* one : checks.any_of) {
      auto said = ask(value, *one, old);
      if (said.empty()) return;
      if (first.empty()) first = std::move(said);
    }
    wrong_combination(" must validate at least one schema (anyOf)");
    take(std::move(first));
  }

  void check_one_of(const Value& value, const Checks& checks, const Value* old) {
    std::vector<Cause> first;
    std::size_t valid = 0;
    for (const Node* one : checks.one_of) {
      auto said = ask(value, *one, old);
      if (said.empty()) ++valid;
      if (first.empty()) first = std::move(said);
    }
    if (valid == 1) return;
    wrong_combination(
        " must validate one and only one schema (oneOf). Found " +
        (valid == 0 ? std::string("none valid") : std::to_string(valid) + " valid alternatives"));
    if (valid == 0) take(std::move(first));
  }

  void check_all_of(const Value& value, const Checks& checks, const Value* old) {
    std::size_t valid = 0;
    for (const Node* one : checks.all_of) {
      auto said = ask(value, *one, old);
      if (said.empty()) ++valid;
      take(std::move(said));
    }
    if (valid == checks.all_of.size()) return;
    wrong_combination(" must validate all the schemas (allOf)" +
                      std::string(valid == 0 ? ". None validated" : ""));
  }

  std::vector<Cause>& causes_;
  std::string path_;
};

}  // namespace

void validate(std::vector<Cause>& causes, const Value& value, const Node& schema, const Value* old,
              const std::string& path) {
  std::vector<Cause> found;
  Validator(found, path).check(value, schema, old);
  causes.insert(causes.end(), std::make_move_iterator(found.begin()),
                std::make_move_iterator(found.end()));
}

bool blocks_rules(const std::vector<Cause>& causes) {
  static constexpr std::array<std::string_view, 4> kBlocking{
      "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"};
  return std::ranges::any_of(causes, [](const Cause& cause) {
    return std::ranges::find(kBlocking, cause.type) != kBlocking.end();
  });
}

}  // namespace pinnace::api::structural
