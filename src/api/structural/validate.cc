#include "api/structural/validate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <type_traits>
#include <utility>

#include "api/go_text.h"
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

// A whole number within the range of an int64, which is as near as can be.
std::int64_t whole_of(double number) {
  constexpr double kLimit = 9223372036854775807.0;
  if (number >= kLimit) return std::numeric_limits<std::int64_t>::max();
  if (number <= -kLimit) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(number);
}

std::string bound_text(double bound, bool is_whole) {
  return is_whole ? std::to_string(whole_of(bound)) : go_number(bound);
}

bool is_close_to_whole(double number) {
  if (!std::isfinite(number) || std::fabs(number) > 9007199254740991.0) return false;
  const double nearest = std::round(number), away = std::fabs(number - nearest);
  return away == 0 || away < 1e-9 * std::min(std::fabs(number), std::fabs(nearest));
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string quoted(std::string_view text) { return go_quoted(text); }

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
         (value.type() == Value::Type::kDouble && is_close_to_whole(value.as_double()));
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

// What a value was, and the schema that tells its parts apart: that of the place, even below allOf
// and its like.
struct Before {
  const Value* value = nullptr;
  const Node* schema = nullptr;

  explicit operator bool() const { return value != nullptr; }
  bool is_same(const Value& now) const {
    return value != nullptr && is_unchanged(now, *value, *schema);
  }
};

class Validator {
 public:
  Validator(std::vector<Cause>& causes, const std::string& place, std::string path, Formats formats)
      : causes_(causes), place_(place), path_(std::move(path)), formats_(formats) {}

  void check(const Value& value, const Node& schema, Before before) {
    if (causes_.size() >= kMaxCauses) return;
    const std::size_t known = causes_.size();
    check_all(value, schema, before);
    // What was accepted once is not refused for what it was before.
    if (causes_.size() > known && before.is_same(value)) causes_.resize(known);
  }

  void check_all(const Value& value, const Node& schema, Before before) {
    const Checks* checks = schema.checks;
    if (value.is_null()) {
      const bool is_typed = schema.type != Type::kAny || schema.int_or_string;
      if (is_typed && !schema.nullable) wrong_type(schema, "null");
      if (checks != nullptr) check_enum(value, *checks);
      return;
    }
    check_type(value, schema);
    if (checks != nullptr) {
      check_composition(value, *checks, before);
      if (value.is_string()) check_text(value, *checks);
    }
    if (value.is_number()) check_number(value, schema);
    if (value.is_array()) check_items(value, schema, before);
    if (checks != nullptr) check_enum(value, *checks);
    if (value.is_object()) check_members(value, schema, before);
    ++matches_;
  }

  // How much there was to check, by which the best of several schemas is told.
  std::size_t matches() const { return matches_; }

 private:
  // "spec.replicas in body"
  std::string here() const { return path_ + " in body "; }
  std::string field() const { return field(path_); }
  std::string field(std::string_view name) const {
    if (name.starts_with('.')) name.remove_prefix(1);
    if (name.empty()) return nowhere();
    return (place_.empty() ? "" : place_ + ".") + std::string(name);
  }
  std::string nowhere() const { return place_.empty() ? "<nil>" : place_; }

  void invalid(std::string_view json, std::string_view what) {
    causes_.push_back(cause::invalid(field(), json, here() + std::string(what)));
  }
  // What names no field is said of the whole.
  void wrong_whole(std::string_view what) {
    causes_.push_back(cause::invalid(nowhere(), "\"\"", what));
  }
  void wrong_combination(std::string_view what) { wrong_whole(quoted(path_) + std::string(what)); }

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

  // A format makes a type of its own of what it is for.
  void check_type(const Value& value, const Node& schema) {
    const std::string_view format = schema.checks == nullptr ? "" : schema.checks->format;
    const bool is_formatted =
        !format.empty() && (formats_ == Formats::kAll || is_known_format(format));
    const bool takes_numbers =
        schema.int_or_string || schema.type == Type::kInteger || schema.type == Type::kNumber;
    const bool is_listed = value.is_string() || value.is_array();
    if (is_formatted && is_listed && !takes_numbers) return;
    if (is_of_type(value, schema)) {
      ++matches_;
    } else if (is_formatted && !is_listed) {
      wrong_form(format, value.is_int() ? "int64" : value.is_number() ? "float64" : "");
    } else {
      wrong_type(schema, json_type(value));
    }
  }

  void check_text(const Value& value, const Checks& checks) {
    const std::string_view text = value.as_string();
    check_length(text, checks);
    if (!checks.format.empty() && !matches_format(checks.format, text)) {
      wrong_form(checks.format, text);
    }
  }

  // The first that is wrong is enough.
  void check_length(std::string_view text, const Checks& checks) {
    if (checks.max_length || checks.min_length) {
      const auto length = static_cast<std::int64_t>(count_characters(text));
      if (checks.max_length && length > *checks.max_length) {
        causes_.push_back(cause::too_long(
            field(), static_cast<std::size_t>(std::max<std::int64_t>(*checks.max_length, 0))));
        return;
      }
      if (checks.min_length && length < *checks.min_length) {
        return invalid(quoted(text),
                       "should be at least " + std::to_string(*checks.min_length) + " chars long");
      }
    }
    if (checks.pattern != nullptr && !checks.pattern->matches(text)) {
      invalid(quoted(text), "should match '" + std::string(checks.pattern_text) + "'");
    }
  }

  void check_number(const Value& value, const Node& schema) {
    ++matches_;
    if (schema.checks == nullptr) return;
    if (schema.checks->multiple_of) check_multiple(value, *schema.checks->multiple_of);
    if (value.is_int())
      check_range<std::int64_t>(value, value.as_int(), *schema.checks);
    else
      check_range<double>(value, value.as_double(), *schema.checks);
  }

  void check_multiple(const Value& value, double factor) {
    const bool counts = value.is_int() && factor == std::floor(factor) && std::fabs(factor) < 1e18;
    if (factor <= 0) {
      causes_.push_back(cause::invalid(field(), bound_text(factor, counts),
                                       "factor MultipleOf declared for " + path_ +
                                           " must be positive: " + bound_text(factor, counts)));
      return;
    }
    bool is_multiple = false;
    if (counts) {
      is_multiple = value.as_int() % static_cast<std::int64_t>(factor) == 0;
    } else {
      const double times = factor < 1 ? 1 / factor * value.as_double() : value.as_double() / factor;
      is_multiple = is_close_to_whole(times);
    }
    if (!is_multiple) {
      invalid(to_json_text(value), "should be a multiple of " + bound_text(factor, counts));
    }
  }

  // Whole numbers are compared with whole bounds.
  template <typename Number>
  void check_range(const Value& value, Number number, const Checks& checks) {
    constexpr bool kWhole = std::is_same_v<Number, std::int64_t>;
    const auto complain = [&](std::string_view what, double bound) {
      invalid(to_json_text(value), std::string(what) + bound_text(bound, kWhole));
    };
    const auto as_number = [](double bound) {
      if constexpr (kWhole) return whole_of(bound);
      return static_cast<Number>(bound);
    };
    if (checks.minimum) {
      const Number bound = as_number(*checks.minimum);
      if (checks.exclusive_minimum ? number <= bound : number < bound) {
        complain(checks.exclusive_minimum ? "should be greater than "
                                          : "should be greater than or equal to ",
                 *checks.minimum);
      }
    }
    if (checks.maximum) {
      const Number bound = as_number(*checks.maximum);
      if (checks.exclusive_maximum ? number >= bound : number > bound) {
        complain(
            checks.exclusive_maximum ? "should be less than " : "should be less than or equal to ",
            *checks.maximum);
      }
    }
  }

  void check_enum(const Value& value, const Checks& checks) {
    if (!checks.has_enum) return;
    // A null is none of any values.
    for (const Value& allowed : checks.enum_values) {
      if (!value.is_null() && equal(allowed, value)) return;
    }
    std::vector<std::string> names;
    for (const Value& allowed : checks.enum_values) {
      names.push_back(allowed.is_string() ? std::string(allowed.as_string())
                                          : to_json_text(allowed));
    }
    causes_.push_back(cause::not_supported(
        field(), value.is_string() ? quoted(value.as_string()) : to_json_text(value), names));
  }

  void check_items(const Value& value, const Node& schema, Before before) {
    ++matches_;
    if (schema.items != nullptr) check_each_item(value, *schema.items, before);
    const Checks* checks = schema.checks;
    if (checks == nullptr) return;
    const auto size = static_cast<std::int64_t>(value.size());
    if (checks->min_items && size < *checks->min_items) {
      invalid(std::to_string(size),
              "should have at least " + std::to_string(*checks->min_items) + " items");
    }
    if (checks->max_items && size > *checks->max_items) {
      causes_.push_back(
          cause::too_many(field(), value.size(), static_cast<std::size_t>(*checks->max_items)));
    }
    if (!checks->unique_items) return;
    CanonicalSet seen;
    for (const Value& item : value.items()) {
      if (!seen.add(item)) return invalid("\"\"", "shouldn't contain duplicates");
    }
  }

  void check_each_item(const Value& value, const Node& items, Before before) {
    std::optional<ItemCorrelation> old;
    if (before && before.schema->items != nullptr) old.emplace(*before.schema, before.value);
    std::size_t index = 0;
    for (const Value& item : value.items()) {
      const std::size_t size = path_.size();
      (path_ += '[') += std::to_string(index) += ']';
      const Value* was = old ? old->of(item) : nullptr;
      check(item, items, was == nullptr ? Before{} : Before{was, before.schema->items});
      path_.resize(size);
      ++index;
    }
  }

  void check_members(const Value& value, const Node& schema, Before before) {
    check_size(value, schema);
    std::optional<MemberIndex> old;
    if (before && before.value->is_object()) old.emplace(*before.value);
    const bool is_root = path_.empty();
    for (const Member& member : value.members()) {
      const Node* below = schema.property(member.key);
      const bool is_additional = below == nullptr;
      if (is_additional) below = schema.additional;
      if (below == nullptr) continue;
      const std::size_t size = path_.size();
      if (!path_.empty() || is_additional) path_ += '.';
      path_ += member.key;
      // In which version it is shown is nothing that an update changes.
      const bool is_type = is_root && (member.key == "apiVersion" || member.key == "kind");
      check(member.value, *below, is_type || !old ? Before{} : below_of(before, *old, member.key));
      path_.resize(size);
    }
    if (schema.checks == nullptr) return;
    for (const std::string_view name : schema.checks->required) {
      if (value.find(name) != nullptr) continue;
      causes_.push_back(cause::required(field(path_ + "." + std::string(name))));
    }
  }

  static Before below_of(Before before, MemberIndex& old, std::string_view name) {
    const Value* was = old.find(name);
    const Node* node = before.schema->property(name);
    if (node == nullptr) node = before.schema->additional;
    return was == nullptr || node == nullptr ? Before{} : Before{was, node};
  }

  void check_size(const Value& value, const Node& schema) {
    const Checks* checks = schema.checks;
    const auto size = static_cast<std::int64_t>(value.size());
    if (checks != nullptr && checks->min_properties && size < *checks->min_properties) {
      invalid(std::to_string(size),
              "should have at least " + std::to_string(*checks->min_properties) + " properties");
    }
    if (checks != nullptr && checks->max_properties && size > *checks->max_properties) {
      causes_.push_back(cause::too_many(field(), value.size(),
                                        static_cast<std::size_t>(*checks->max_properties)));
    }
    if (!schema.refuses_additional) return;
    for (const Member& member : value.members()) {
      if (schema.property(member.key) != nullptr) continue;
      causes_.push_back(cause::invalid(
          field(), quoted(member.key),
          path_ + "." + std::string(member.key) + " in body is a forbidden property"));
    }
  }

  // What the value is told by one of several schemas.
  struct Said {
    std::vector<Cause> causes;
    std::size_t matches = 0;
  };
  Said ask(const Value& value, const Node& schema, Before before) {
    Said said;
    Validator one(said.causes, place_, path_, formats_);
    one.check_all(value, schema, before);
    said.matches = one.matches();
    matches_ += said.matches;
    return said;
  }
  void take(std::vector<Cause>&& more) {
    causes_.insert(causes_.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
  }

  void check_composition(const Value& value, const Checks& checks, Before before) {
    if (!checks.any_of.empty()) check_any_of(value, checks, before);
    if (!checks.one_of.empty()) check_one_of(value, checks, before);
    if (!checks.all_of.empty()) check_all_of(value, checks, before);
    if (checks.not_node != nullptr && ask(value, *checks.not_node, before).causes.empty()) {
      wrong_combination(" must not validate the schema (not)");
    }
  }

  static void keep_best(std::optional<Said>& best, Said&& said) {
    if (!best || said.matches > best->matches) best = std::move(said);
  }

  void check_any_of(const Value& value, const Checks& checks, Before before) {
    std::optional<Said> best;
    for (const Node* one : checks.any_of) {
      Said said = ask(value, *one, before);
      if (said.causes.empty()) return;
      keep_best(best, std::move(said));
    }
    wrong_combination(" must validate at least one schema (anyOf)");
    take(std::move(best->causes));
  }

  void check_one_of(const Value& value, const Checks& checks, Before before) {
    std::optional<Said> best;
    std::size_t valid = 0;
    for (const Node* one : checks.one_of) {
      Said said = ask(value, *one, before);
      if (said.causes.empty())
        ++valid;
      else
        keep_best(best, std::move(said));
    }
    if (valid == 1) return;
    wrong_combination(
        " must validate one and only one schema (oneOf). Found " +
        (valid == 0 ? std::string("none valid") : std::to_string(valid) + " valid alternatives"));
    if (valid == 0) take(std::move(best->causes));
  }

  void check_all_of(const Value& value, const Checks& checks, Before before) {
    std::size_t valid = 0;
    for (const Node* one : checks.all_of) {
      Said said = ask(value, *one, before);
      if (said.causes.empty()) ++valid;
      take(std::move(said.causes));
    }
    if (valid == checks.all_of.size()) return;
    wrong_combination(" must validate all the schemas (allOf)" +
                      std::string(valid == 0 ? ". None validated" : ""));
  }

  std::vector<Cause>& causes_;
  const std::string& place_;
  std::string path_;
  const Formats formats_;
  std::size_t matches_ = 0;
};

}  // namespace

void validate(std::vector<Cause>& causes, const Value& value, const Node& schema, const Value* old,
              const std::string& place, Formats formats) {
  std::vector<Cause> found;
  Validator(found, place, "", formats)
      .check(value, schema, old == nullptr ? Before{} : Before{old, &schema});
  // What several schemas say alike is said once.
  std::set<std::pair<std::string_view, std::string_view>> said;
  std::vector<bool> is_new;
  for (const Cause& cause : found)
    is_new.push_back(said.emplace(cause.field, cause.message).second);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (is_new[i]) causes.push_back(found[i]);
  }
}

bool blocks_rules(const std::vector<Cause>& causes) {
  static constexpr std::array<std::string_view, 5> kBlocking{
      "FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany",
      "FieldValueTypeInvalid"};
  return std::ranges::any_of(causes, [](const Cause& cause) {
    return std::ranges::find(kBlocking, cause.type) != kBlocking.end();
  });
}

}  // namespace pinnace::api::structural
