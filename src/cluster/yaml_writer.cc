#include "cluster/yaml_writer.h"

#include <algorithm>

#include "api/json.h"

namespace pinnace::cluster {

namespace {

// Whether a text needs no quotes: plain characters that begin with a letter or '/', and no word
// that YAML 1.1 takes for a boolean or null.
bool is_plain(std::string_view text) {
  static constexpr std::string_view kWords[] = {"true", "false", "yes", "no", "on",
                                                "off",  "null",  "y",   "n"};
  if (text.empty() || text.size() > 4096) return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!is_letter(text.front()) && text.front() != '/') return false;
  const bool plain = std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/' ||
           c == '+' || c == '=' || c == '@';
  });
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return plain && std::find(std::begin(kWords), std::end(kWords), lower) == std::end(kWords);
}

void write_scalar(std::string& out, const api::Value& value) {
  // A double-quoted YAML string understands every escape of JSON.
  if (value.is_string() && is_plain(value.as_string()))
    out += value.as_string();
  else
    api::write_json(out, value);
}

bool is_block(const api::Value& value) {
  return (value.is_object() || value.is_array()) && !value.empty();
}

void write_block(std::string& out, const api::Value& value, std::size_t indent);

// What follows "key:" or "-".
void write_after(std::string& out, const api::Value& value, std::size_t indent) {
  if (!is_block(value)) {
    out += ' ';
    write_scalar(out, value);
    out += '\n';
    return;
  }
  out += '\n';
  write_block(out, value, indent);
}

void write_block(std::string& out, const api::Value& value, std::size_t indent) {
  if (value.is_array()) {
    for (const auto& item : value.items()) {
      out.append(indent, ' ').append("-");
      if (is_block(item) && item.is_object()) {
        // The first member stands beside the dash.
        std::string nested;
        write_block(nested, item, indent + 2);
        out += ' ';
        out.append(nested, indent + 2);
      } else {
        write_after(out, item, indent + 2);
      }
    }
    return;
  }
  for (const auto& [key, member] : value.members()) {
    out.append(indent, ' ');
    write_scalar(out, api::Value::string_ref(key));
    out += ':';
    write_after(out, member, member.is_array() ? indent : indent + 2);
  }
}

}  // namespace

std::string write_yaml(const api::Value& value) {
  std::string out;
  if (is_block(value))
    write_block(out, value, 0);
  else {
    write_scalar(out, value);
    out += '\n';
  }
  return out;
}

}  // namespace pinnace::cluster
