#include "cluster/toml_writer.h"

#include "api/json.h"
#include "base/assert.h"

namespace pinnace::cluster {

namespace {

void write_scalar(std::string& out, const api::Value& value) {
  PINNACE_ASSERT(!value.is_null() && !value.is_object());
  // A TOML basic string has the escapes of JSON; a list of scalars looks the same in both.
  api::write_json(out, value);
}

void write_key(std::string& out, std::string_view key) {
  api::write_json(out, api::Value::string_ref(key));
}

void write_table(std::string& out, const api::Value& table, const std::string& path) {
  for (const auto& [key, value] : table.members()) {
    if (value.is_object()) continue;
    write_key(out, key);
    out += " = ";
    write_scalar(out, value);
    out += '\n';
  }
  for (const auto& [key, value] : table.members()) {
    if (!value.is_object()) continue;
    std::string nested = path;
    if (!nested.empty()) nested += '.';
    write_key(nested, key);
    out.append("\n[").append(nested).append("]\n");
    write_table(out, value, nested);
  }
}

}  // namespace

std::string write_toml(const api::Value& value) {
  std::string out;
  write_table(out, value, "");
  return out;
}

}  // namespace pinnace::cluster
