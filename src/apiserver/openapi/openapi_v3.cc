#include "apiserver/openapi/openapi_v3.h"

#include <utility>

#include "api/json.h"
#include "apiserver/openapi/openapi_paths.h"
#include "apiserver/openapi/openapi_schema.h"
#include "apiserver/server.h"

namespace pinnace::apiserver {
namespace {

using api::Arena;
using api::Value;

Value text(std::string_view value) { return Value::string_ref(value); }

// Appends `"key":value` with a comma before all but the first.
class MemberWriter {
 public:
  explicit MemberWriter(std::string& out) : out_(out) {}
  void add(std::string_view key, const Value& value) {
    if (!std::exchange(is_first_, false)) out_ += ',';
    api::write_json_string(out_, key);
    out_ += ':';
    api::write_json(out_, value);
  }

 private:
  std::string& out_;
  bool is_first_ = true;
};

class DocumentMaker {
 public:
  explicit DocumentMaker(const Catalog& catalog) : definitions_(catalog, OpenApi::kV3) {}

  void write_paths(std::string& out, const std::vector<ApiPath>& paths) {
    MemberWriter members(out);
    for (const ApiPath& path : paths) {
      Arena arena;
      Value item = Value::object();
      for (const ApiOperation& operation : path.operations) {
        item.set_ref(arena, operation.method, operation_value(arena, operation));
      }
      if (!path.parameters.empty()) {
        Value& list = item.set_ref(arena, "parameters", Value::array());
        for (const auto& parameter : path.parameters) list.append(arena, of(arena, parameter));
      }
      members.add(path.path, item);
    }
  }

  void write_schemas(std::string& out) const {
    MemberWriter members(out);
    for (const auto& [name, definition] : definitions_.all()) {
      Arena arena;
      members.add(name, definitions_.schema_of(arena, definition));
    }
  }

 private:
  Value reference(Arena& arena, const api::TypeInfo& type) {
    definitions_.require(type);
    return definitions_.reference(arena, type);
  }

  static Value of(Arena& arena, const ApiParameter& parameter) {
    Value out = Value::object();
    out.set_ref(arena, "name", text(parameter.name));
    out.set_ref(arena, "in", text(parameter.is_in_path ? "path" : "query"));
    if (!parameter.doc.empty()) out.set_ref(arena, "description", text(parameter.doc));
    if (parameter.is_in_path) out.set_ref(arena, "required", Value::boolean(true));
    Value& schema = out.set_ref(arena, "schema", Value::object());
    schema.set_ref(arena, "type", text(parameter.type));
    schema.set_ref(arena, "uniqueItems", Value::boolean(true));
    return out;
  }

  // {"application/json": {"schema": SCHEMA}, ...}
  static Value content(Arena& arena, std::span<const std::string_view> types, const Value& schema) {
    Value out = Value::object();
    for (const std::string_view type : types) {
      out.set_ref(arena, type, Value::object()).set_ref(arena, "schema", schema);
    }
    return out;
  }

  Value responses(Arena& arena, const ApiOperation& operation) {
    Value schema = Value::object();
    if (operation.content == ApiOperation::Content::kText || operation.answer == nullptr) {
      schema.set_ref(arena, "type", text("string"));
    } else {
      schema = reference(arena, *operation.answer);
    }
    Value out = Value::object();
    for (const std::string_view status : operation.statuses) {
      Value& response = out.set_ref(arena, status, Value::object());
      response.set_ref(arena, "description", text(status_text(status)));
      if (status == "401") continue;
      response.set_ref(arena, "content",
                       content(arena, answer_media_types(operation), schema));
    }
    return out;
  }

  Value operation_value(Arena& arena, const ApiOperation& operation) {
    Value out = Value::object();
    out.set_ref(arena, "tags", Value::array()).append(arena, text(operation.tag));
    out.set_ref(arena, "description", text(operation.doc));
    out.set_ref(arena, "operationId", text(operation.id));
    if (!operation.parameters.empty()) {
      Value& list = out.set_ref(arena, "parameters", Value::array());
      for (const auto& parameter : operation.parameters) list.append(arena, of(arena, parameter));
    }
    if (operation.body != nullptr) {
      constexpr std::string_view kAny[] = {"*/*"};
      const bool is_patch = operation.action == "patch";
      Value& body = out.set_ref(arena, "requestBody", Value::object());
      body.set_ref(arena, "content",
                   content(arena, is_patch ? patch_media_types(operation) : std::span(kAny),
                           reference(arena, *operation.body)));
      if (operation.method != "delete") body.set_ref(arena, "required", Value::boolean(true));
    }
    out.set_ref(arena, "responses", responses(arena, operation));
    if (operation.kind.empty()) return out;
    out.set_ref(arena, "x-kubernetes-action", text(operation.action));
    out.set_ref(arena, "x-kubernetes-group-version-kind",
                group_version_kind(arena, operation.group, operation.version, operation.kind));
    return out;
  }

  Definitions definitions_;
};

}  // namespace

std::string openapi_v3_json(const Catalog& catalog, const std::vector<ApiPath>& paths) {
  std::string out = R"({"openapi":"3.0.0","info":{"title":"Kubernetes","version":)";
  api::write_json_string(out, kApiVersion);
  out += "},\"paths\":{";
  DocumentMaker maker(catalog);
  maker.write_paths(out, paths);
  out += "},\"components\":{\"schemas\":{";
  maker.write_schemas(out);
  return out +=
         R"(},"securitySchemes":{"BearerToken":{"description":"Bearer Token authentication",)"
         R"("in":"header","name":"authorization","type":"apiKey"}}}})";
}

std::string openapi_v3_json(const Catalog& catalog, std::string_view group,
                            std::string_view version) {
  return openapi_v3_json(catalog, api_paths(catalog, group, version));
}

}  // namespace pinnace::apiserver
