#include "apiserver/aggregation/remote_openapi.h"

#include <algorithm>
#include <set>

#include "api/json.h"

namespace pinnace::apiserver {
namespace {

using api::Arena;
using api::Value;

constexpr std::string_view kToDefinition = "#/definitions/";
constexpr std::string_view kToParameter = "#/parameters/";

bool is_one_of(std::string_view key, std::initializer_list<std::string_view> keys) {
  return std::ranges::find(keys, key) != keys.end();
}

bool is_scalar(const Value& value) { return !value.is_object() && !value.is_array(); }

// Takes over from a document what can be understood, and notes which definitions that refers to.
class Cleaner {
 public:
  Cleaner(Arena& arena, const Value& document) : arena_(arena), document_(document) {}

  Value path_item(const Value& from) {
    Value out = Value::object();
    for (const auto& [key, value] : members(from)) {
      if (is_one_of(key, {"get", "put", "post", "delete", "options", "head", "patch"})) {
        out.set_ref(arena_, key, operation(value));
      } else if (key == "parameters") {
        out.set_ref(arena_, key, parameters(value));
      } else if (key.starts_with("x-")) {
        out.set_ref(arena_, key, value);
      }
    }
    return out;
  }

  Value schema(const Value& from) {
    Value out = Value::object();
    for (const auto& [key, value] : members(from)) take_schema_member(out, key, value);
    return out;
  }

  // Of the definitions that were referred to, and of those that they refer to.
  Value definitions() {
    Value out = Value::object();
    const Value* all = document_.find("definitions");
    while (!wanted_.empty()) {
      const std::string_view name = *wanted_.begin();
      wanted_.erase(wanted_.begin());
      out.set_ref(arena_, name, schema(*all->find(name)));
    }
    return out;
  }

 private:
  static std::span<const api::Member> members(const Value& value) {
    return value.is_object() ? value.members() : std::span<const api::Member>();
  }

  void take_schema_member(Value& out, std::string_view key, const Value& value) {
    if (key == "$ref") {
      if (refers(value)) out.set_ref(arena_, key, value);
    } else if (is_one_of(key, {"type", "format", "description"})) {
      if (value.is_string()) out.set_ref(arena_, key, value);
    } else if (key == "required") {
      out.set_ref(arena_, key, texts(value));
    } else if (key == "properties") {
      Value& properties = out.set_ref(arena_, key, Value::object());
      for (const auto& [name, property] : members(value)) {
        properties.set_ref(arena_, name, schema(property));
      }
    } else if (is_one_of(key, {"items", "additionalProperties"})) {
      if (value.is_object()) out.set_ref(arena_, key, schema(value));
    } else if (key == "allOf") {
      Value& all = out.set_ref(arena_, key, Value::array());
      if (!value.is_array()) return;
      for (const Value& one : value.items()) all.append(arena_, schema(one));
    } else if (key == "enum" ? value.is_array()
                             : key == "default" || key.starts_with("x-") || is_scalar(value)) {
      out.set_ref(arena_, key, value);
    }
  }

  Value operation(const Value& from) {
    Value out = Value::object();
    for (const auto& [key, value] : members(from)) {
      if (is_one_of(key, {"tags", "schemes", "consumes", "produces"})) {
        out.set_ref(arena_, key, texts(value));
      } else if (key == "parameters") {
        out.set_ref(arena_, key, parameters(value));
      } else if (key == "responses") {
        Value& responses = out.set_ref(arena_, key, Value::object());
        for (const auto& [status, response] : members(value)) {
          responses.set_ref(arena_, status, this->response(response));
        }
      } else if (is_one_of(key, {"description", "operationId", "summary"})
                     ? value.is_string()
                     : key.starts_with("x-") || is_scalar(value)) {
        out.set_ref(arena_, key, value);
      }
    }
    return out;
  }

  Value response(const Value& from) {
    Value out = Value::object();
    out.set_ref(arena_, "description", Value::string(arena_, from.string_at("description")));
    if (const Value* body = from.find("schema")) out.set_ref(arena_, "schema", schema(*body));
    return out;
  }

  Value parameters(const Value& from) {
    Value out = Value::array();
    if (!from.is_array()) return out;
    for (const Value& one : from.items()) {
      const Value* meant = &one;
      const std::string_view reference = one.string_at("$ref");
      if (reference.starts_with(kToParameter)) {
        meant = document_.find_path({"parameters", reference.substr(kToParameter.size())});
      }
      if (meant == nullptr || !is_one_of(meant->string_at("in"), {"path", "query", "body"})) {
        continue;
      }
      out.append(arena_, parameter(*meant));
    }
    return out;
  }

  Value parameter(const Value& from) {
    Value out = Value::object();
    const bool has_body = from.string_at("in") == "body";
    for (const auto& [key, value] : members(from)) {
      if (key == "schema") {
        if (has_body) out.set_ref(arena_, key, schema(value));
      } else if (is_one_of(key, {"required", "uniqueItems"})) {
        if (value.is_bool()) out.set_ref(arena_, key, value);
      } else if (is_one_of(key, {"name", "in", "description", "type", "format"})
                     ? value.is_string()
                     : is_scalar(value)) {
        out.set_ref(arena_, key, value);
      }
    }
    if (has_body && out.find("schema") == nullptr) {
      out.set_ref(arena_, "schema", Value::object());
    }
    return out;
  }

  Value texts(const Value& from) {
    Value out = Value::array();
    if (!from.is_array()) return out;
    for (const Value& item : from.items()) {
      if (item.is_string()) out.append(arena_, item);
    }
    return out;
  }

  // Whether a reference leads to a definition, which is wanted then.
  bool refers(const Value& reference) {
    if (!reference.is_string() || !reference.as_string().starts_with(kToDefinition)) return false;
    const std::string_view name = reference.as_string().substr(kToDefinition.size());
    if (document_.find_path({"definitions", name}) == nullptr) return false;
    if (seen_.insert(name).second) wanted_.insert(name);
    return true;
  }

  Arena& arena_;
  const Value& document_;
  std::set<std::string_view> seen_, wanted_;
};

}  // namespace

RemoteOpenApiRef RemoteOpenApi::parse(std::string_view group, std::string_view version,
                                      std::string_view v2_json, std::string_view v3_index_json) {
  const std::shared_ptr<RemoteOpenApi> made(new RemoteOpenApi());
  made->group_ = group;
  made->version_ = version;
  if (v2_json.size() <= kMaxRemoteOpenApiBytes) made->read_v2(v2_json);
  if (v3_index_json.size() <= kMaxRemoteOpenApiBytes) made->read_v3(v3_index_json);
  return made;
}

void RemoteOpenApi::read_v2(std::string_view json) {
  Arena arena;
  const auto document = api::parse_json(arena, json, {.max_depth = kMaxRemoteOpenApiDepth});
  if (!document || !document->is_object()) return;
  const Value* all = document->find("paths");
  if (all == nullptr || !all->is_object()) return;
  Cleaner cleaner(arena, *document);
  Value paths = Value::object();
  const std::string prefix = "/apis/" + group_ + '/' + version_ + '/';
  for (const auto& [path, item] : all->members()) {
    if (path.starts_with(prefix)) paths.set_ref(arena, path, cleaner.path_item(item));
  }
  definitions_ = api::deep_copy(arena_, cleaner.definitions());
  paths_ = api::deep_copy(arena_, paths);
}

void RemoteOpenApi::read_v3(std::string_view index_json) {
  Arena arena;
  const auto index = api::parse_json(arena, index_json, {.max_depth = kMaxRemoteOpenApiDepth});
  if (!index || !index->is_object()) return;
  const std::string place = "apis/" + group_ + '/' + version_;
  const Value* entry = index->find_path({"paths", place});
  if (entry == nullptr || !entry->is_object()) return;
  const std::string_view url = entry->string_at("serverRelativeURL");
  const std::string wanted = "/openapi/v3/" + place;
  const bool leads_there =
      url.starts_with(wanted) && (url.size() == wanted.size() || url[wanted.size()] == '?');
  if (leads_there) v3_url_ = url;
}

}  // namespace pinnace::apiserver
