#include "apiserver/custom/field_path.h"

#include <optional>

#include "apiserver/custom/schema_keywords.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

bool is_delimiter(char c) { return c == '.' || c == '[' || c == ']'; }

// Delimiters, texts in single quotes, and whatever is between them.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    std::size_t size = rest_.size();
    if (rest_[0] == '\'') {
      for (std::size_t i = 1; i < rest_.size(); ++i) {
        if (rest_[i] == '\'' && rest_[i - 1] != '\\') {
          size = i + 1;
          break;
        }
      }
    } else {
      for (std::size_t i = 0; i < rest_.size(); ++i) {
        if (!is_delimiter(rest_[i])) continue;
        size = i == 0 ? 1 : i;
        break;
      }
    }
    const std::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

 private:
  std::string_view rest_;
};

Result<std::string> unquoted(std::string_view token) {
  if (token.size() < 2 || !token.starts_with('\'') || !token.ends_with('\'')) {
    return errors::bad_request("expected single quoted string but got " + std::string(token));
  }
  constexpr std::string_view kEscaped = "abfnrtv'\\", kMeant = "\a\b\f\n\r\t\v'\\";
  std::string out;
  token = token.substr(1, token.size() - 2);
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '\\' || i + 1 == token.size()) {
      out += token[i];
      continue;
    }
    const std::size_t which = kEscaped.find(token[++i]);
    if (which == std::string_view::npos) {
      return errors::bad_request("invalid string literal: invalid escape char " +
                                 std::string(token.substr(i - 1, 2)));
    }
    out += kMeant[which];
  }
  return out;
}

class Walk {
 public:
  explicit Walk(const Value& schema) { found_.schema = &schema; }

  Result<void> step(const std::string& name) {
    const Value* properties = find_set(*found_.schema, "properties");
    const Value* additional = find_set(*found_.schema, "additionalProperties");
    const bool is_named = properties != nullptr && !properties->empty();
    const Value* next = is_named ? properties->find(name) : additional;
    if (next == nullptr || !next->is_object()) {
      return errors::bad_request("does not refer to a valid field");
    }
    if (is_named) {
      found_.text += (found_.text.empty() ? "" : ".") + name;
    } else {
      found_.text += "[" + name + "]";
    }
    if (found_.root.empty()) found_.root = name;
    found_.schema = next;
    return {};
  }

  FieldPath take() { return std::move(found_); }

 private:
  FieldPath found_;
};

}  // namespace

Result<FieldPath> follow_field_path(std::string_view path, const Value& schema,
                                    bool allows_brackets) {
  const auto ended = [] { return errors::bad_request("unexpected end of JSON path"); };
  Tokens tokens(path);
  Walk walk(schema);
  while (const auto token = tokens.next()) {
    if (*token == ".") {
      const auto name = tokens.next();
      if (!name) return ended();
      if (auto ok = walk.step(std::string(*name)); !ok) return std::unexpected(ok.error());
      continue;
    }
    if (*token != "[") {
      return errors::bad_request("expected [ or . but got: " + std::string(*token));
    }
    if (!allows_brackets) return errors::bad_request("array notation is not allowed");
    const auto text = tokens.next();
    if (!text) return ended();
    const auto name = unquoted(*text);
    if (!name) return std::unexpected(name.error());
    if (auto ok = walk.step(*name); !ok) return std::unexpected(ok.error());
    const auto end = tokens.next();
    if (!end) return ended();
    if (*end != "]") return errors::bad_request("expected ] but got " + std::string(*end));
  }
  return walk.take();
}

}  // namespace pinnace::apiserver
