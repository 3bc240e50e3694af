#include "api/apply/path_element.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "api/go_text.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "base/strings.h"

namespace pinnace::api::apply {
namespace {

constexpr std::string_view kLetters = "fkvi";

std::strong_ordering ordered(double a, double b) {
  return a < b   ? std::strong_ordering::less
         : b < a ? std::strong_ordering::greater
                 : std::strong_ordering::equal;
}

// Where a type stands among the others.
int rank(const Value& value) {
  switch (value.type()) {
    case Value::Type::kInt:
    case Value::Type::kDouble:
      return 0;
    case Value::Type::kString:
      return 1;
    case Value::Type::kBool:
      return 2;
    case Value::Type::kArray:
      return 3;
    case Value::Type::kObject:
      return 4;
    case Value::Type::kNull:
      return 5;
  }
  return 5;
}

std::strong_ordering compare(const Value& a, const Value& b) {
  if (const auto by_type = rank(a) <=> rank(b); by_type != 0) return by_type;
  switch (a.type()) {
    case Value::Type::kInt:
      if (b.is_int()) return a.as_int() <=> b.as_int();
      return ordered(a.as_double(), b.as_double());
    case Value::Type::kDouble:
      return ordered(a.as_double(), b.as_double());
    case Value::Type::kString:
      return a.as_string() <=> b.as_string();
    case Value::Type::kBool:
      return a.as_bool() <=> b.as_bool();
    case Value::Type::kArray:
      return std::lexicographical_compare_three_way(a.items().begin(), a.items().end(),
                                                    b.items().begin(), b.items().end(), compare);
    case Value::Type::kObject:
      return std::lexicographical_compare_three_way(
          a.members().begin(), a.members().end(), b.members().begin(), b.members().end(),
          [](const Member& x, const Member& y) {
            const auto by_key = x.key <=> y.key;
            return by_key != 0 ? by_key : compare(x.value, y.value);
          });
    case Value::Type::kNull:
      return std::strong_ordering::equal;
  }
  return std::strong_ordering::equal;
}

std::string shown(const Value& value) {
  if (value.is_string()) return go_quoted(value.as_string());
  if (value.is_array()) {
    std::string text = "[";
    for (const Value& item : value.items()) text += (text.size() > 1 ? "," : "") + shown(item);
    return text + "]";
  }
  if (!value.is_object()) return to_json_text(value);
  std::string text;
  for (const auto& [key, member] : value.members()) text += std::string(key) + "=" + shown(member);
  return text;
}

}  // namespace

PathElement PathElement::key(Arena& arena, Value keys) {
  sort_members(keys);
  return {Kind::kKey, arena.copy(to_json_text(keys)), keys};
}

PathElement PathElement::value(Arena& arena, const Value& item) {
  return {Kind::kValue, arena.copy(to_json_text(item)), item};
}

PathElement PathElement::index(Arena& arena, std::size_t place) {
  return {Kind::kIndex, arena.copy(std::to_string(place)),
          Value::integer(static_cast<std::int64_t>(place))};
}

PathElement::Parse PathElement::parse(Arena& arena, std::string_view encoded, PathElement& out) {
  if (encoded.size() < 2 || encoded[1] != ':') return Parse::kBroken;
  const std::string_view text = encoded.substr(2);
  switch (encoded[0]) {
    case 'f':
      out = field(text);
      return Parse::kDone;
    case 'k': {
      const auto keys = parse_json(arena, text);
      if (!keys || !keys->is_object()) return Parse::kBroken;
      out = key(arena, *keys);
      return Parse::kDone;
    }
    case 'v': {
      const auto item = parse_json(arena, text);
      if (!item) return Parse::kBroken;
      out = value(arena, *item);
      return Parse::kDone;
    }
    case 'i': {
      const auto place = parse_uint(text);
      if (!place) return Parse::kBroken;
      out = index(arena, *place);
      return Parse::kDone;
    }
    default:
      return Parse::kUnknownKind;
  }
}

void PathElement::encode(std::string& out) const {
  out.clear();
  (out += kLetters[static_cast<std::size_t>(kind_)]) += ':';
  out += text_;
}

std::string PathElement::display() const {
  switch (kind_) {
    case Kind::kField:
      return "." + std::string(text_);
    case Kind::kKey: {
      std::string text = "[";
      for (const auto& [name, member] : value_.members()) {
        text += (text.size() > 1 ? "," : "") + std::string(name) + "=" + shown(member);
      }
      return text + "]";
    }
    case Kind::kValue:
      return "[=" + shown(value_) + "]";
    case Kind::kIndex:
      return "[" + std::string(text_) + "]";
  }
  return {};
}

std::strong_ordering operator<=>(const PathElement& a, const PathElement& b) {
  if (const auto by_kind = a.kind_ <=> b.kind_; by_kind != 0) return by_kind;
  if (a.text_ == b.text_) return std::strong_ordering::equal;
  if (a.kind_ == PathElement::Kind::kField) return a.text_ <=> b.text_;
  const auto by_value = compare(a.value_, b.value_);
  return by_value != 0 ? by_value : a.text_ <=> b.text_;
}

std::string display(std::span<const PathElement> path) {
  std::string text;
  for (const PathElement& element : path) text += element.display();
  return text;
}

}  // namespace pinnace::api::apply
