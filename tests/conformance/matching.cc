#include "conformance/matching.h"

#include <cctype>

#include "api/json.h"

namespace pinnace::conformance {
namespace {

constexpr std::string_view kContains = "<contains ";

std::string shown(const api::Value* value) {
  return value == nullptr ? "nothing" : api::to_json_text(*value);
}

std::string text_of(const api::Value& value) {
  return value.is_string() ? std::string(value.as_string()) : api::to_json_text(value);
}

bool is_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::string mismatch_of_text(std::string_view expected, const api::Value* actual, Names& names,
                             const std::string& path) {
  const auto differs = [&](const std::string& wanted) {
    return path + ": is " + shown(actual) + ", not " + wanted;
  };
  if (expected == "<absent>") return actual == nullptr ? "" : differs("absent");
  if (actual == nullptr) return differs(std::string(expected));
  if (expected == "<any>") return "";
  const std::string text = text_of(*actual);
  if (expected.starts_with(kContains) && expected.ends_with('>')) {
    const auto part = expected.substr(kContains.size(), expected.size() - kContains.size() - 1);
    return text.find(substituted(part, names)) != std::string::npos
               ? ""
               : differs(std::string(expected));
  }
  if (expected.starts_with('$') && expected.size() > 1 &&
      expected.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
                                 1) == std::string_view::npos) {
    const auto [known, is_new] = names.emplace(expected.substr(1), text);
    return is_new || known->second == text ? "" : differs(known->second);
  }
  const std::string wanted = substituted(expected, names);
  return actual->is_string() && actual->as_string() == wanted ? "" : differs('"' + wanted + '"');
}

std::string mismatch_of_list(const api::Value& expected, const api::Value* actual, Names& names,
                             const std::string& path) {
  if (actual == nullptr || !actual->is_array()) {
    return path + ": is " + shown(actual) + ", not a list";
  }
  std::size_t count = expected.size();
  const auto items = expected.items();
  const bool is_open =
      count > 0 && items[count - 1].is_string() && items[count - 1].as_string() == "...";
  if (is_open) --count;
  if (is_open ? actual->size() < count : actual->size() != count) {
    return path + ": has " + std::to_string(actual->size()) + " entries, not " +
           std::to_string(count) + ": " + shown(actual);
  }
  for (std::size_t i = 0; i < count; ++i) {
    auto why = mismatch(items[i], &actual->items()[i], names, path + '[' + std::to_string(i) + ']');
    if (!why.empty()) return why;
  }
  return "";
}

}  // namespace

std::string mismatch(const api::Value& expected, const api::Value* actual, Names& names,
                     const std::string& path) {
  if (expected.is_string()) return mismatch_of_text(expected.as_string(), actual, names, path);
  if (expected.is_array()) return mismatch_of_list(expected, actual, names, path);
  if (!expected.is_object()) {
    const bool same = actual != nullptr && api::equal(expected, *actual);
    return same ? "" : path + ": is " + shown(actual) + ", not " + shown(&expected);
  }
  if (actual == nullptr || !actual->is_object()) {
    return path + ": is " + shown(actual) + ", not an object";
  }
  for (const auto& [key, value] : expected.members()) {
    auto why = mismatch(value, actual->find(substituted(key, names)), names,
                        path + (path.empty() ? "" : ".") + std::string(key));
    if (!why.empty()) return why;
  }
  return "";
}

std::string substituted(std::string_view text, const Names& names) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      out += text[i++];
      continue;
    }
    const bool braced = i + 1 < text.size() && text[i + 1] == '{';
    const std::size_t begin = i + (braced ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() && is_name_part(text[end])) ++end;
    const auto known = names.find(text.substr(begin, end - begin));
    const bool closes = !braced || (end < text.size() && text[end] == '}');
    if (known == names.end() || !closes) {
      out += text[i++];
      continue;
    }
    out += known->second;
    i = end + (braced ? 1 : 0);
  }
  return out;
}

}  // namespace pinnace::conformance
