#include "apiserver/openapi/openapi_v2.h"

#include <optional>
#include <ranges>
#include <set>

#include "api/json.h"
#include "apiserver/openapi/openapi_merge.h"
#include "apiserver/openapi/openapi_paths.h"
#include "apiserver/openapi/openapi_schema.h"
#include "apiserver/openapi/openapi_v2_wire.h"
#include "apiserver/server.h"

namespace pinnace::apiserver {
namespace {

using api::Arena;
using api::Value;

Value text(std::string_view value) { return Value::string_ref(value); }

Value texts(Arena& arena, std::span<const std::string_view> words) {
  Value out = Value::array();
  for (const std::string_view word : words) out.append(arena, text(word));
  return out;
}

// The parts of the document, each made when it is written, so that no tree of it all is needed.
class V2Document {
 public:
  V2Document(const Catalog& catalog, const RemoteOpenApis& remotes)
      : definitions_(catalog, OpenApi::kV2), paths_(discovery_paths(catalog)) {
    for (const ApiPath& path : paths_) require(path);
    for (const std::string_view group : catalog.groups()) {
      for (const std::string_view version : catalog.versions(group)) {
        for (ApiPath& path : api_paths(catalog, group, version)) {
          require(path);
          paths_.push_back(std::move(path));
        }
      }
    }
    if (!remotes.empty()) add(remotes);
  }

  const std::vector<ApiPath>& paths() const { return paths_; }
  const Definitions& definitions() const { return definitions_; }
  // Of other servers; null where there are none.
  const MergedOpenApi* merged() const { return merged_ ? &*merged_ : nullptr; }

  Value path_item(Arena& arena, const ApiPath& path) const {
    Value out = Value::object();
    for (const ApiOperation& operation : path.operations) {
      out.set_ref(arena, operation.method, operation_value(arena, operation));
    }
    if (path.parameters.empty()) return out;
    Value& list = out.set_ref(arena, "parameters", Value::array());
    for (const auto& parameter : path.parameters) list.append(arena, of(arena, parameter));
    return out;
  }

 private:
  void add(const RemoteOpenApis& remotes) {
    Arena arena;
    std::set<std::string_view> own_paths;
    for (const ApiPath& path : paths_) own_paths.insert(path.path);
    merged_.emplace(remotes, own_paths, [&](const std::string& name) -> std::optional<Value> {
      const auto found = definitions_.all().find(name);
      if (found == definitions_.all().end()) return std::nullopt;
      return definitions_.schema_of(arena, found->second);
    });
  }

  void require(const ApiPath& path) {
    for (const ApiOperation& operation : path.operations) {
      if (operation.body != nullptr) definitions_.require(*operation.body);
      if (operation.answer != nullptr) definitions_.require(*operation.answer);
    }
  }

  static Value of(Arena& arena, const ApiParameter& parameter) {
    Value out = Value::object();
    out.set_ref(arena, "uniqueItems", Value::boolean(true));
    out.set_ref(arena, "type", text(parameter.type));
    if (!parameter.doc.empty()) out.set_ref(arena, "description", text(parameter.doc));
    out.set_ref(arena, "name", text(parameter.name));
    out.set_ref(arena, "in", text(parameter.is_in_path ? "path" : "query"));
    if (parameter.is_in_path) out.set_ref(arena, "required", Value::boolean(true));
    return out;
  }

  Value body(Arena& arena, const ApiOperation& operation) const {
    Value out = Value::object();
    out.set_ref(arena, "name", text("body"));
    out.set_ref(arena, "in", text("body"));
    if (operation.method != "delete") out.set_ref(arena, "required", Value::boolean(true));
    out.set_ref(arena, "schema", definitions_.reference(arena, *operation.body));
    return out;
  }

  Value responses(Arena& arena, const ApiOperation& operation) const {
    Value out = Value::object();
    for (const std::string_view status : operation.statuses) {
      Value& response = out.set_ref(arena, status, Value::object());
      response.set_ref(arena, "description", text(status_text(status)));
      if (status == "401") continue;
      if (operation.content == ApiOperation::Content::kText || operation.answer == nullptr) {
        response.set_ref(arena, "schema", Value::object()).set_ref(arena, "type", text("string"));
      } else {
        response.set_ref(arena, "schema", definitions_.reference(arena, *operation.answer));
      }
    }
    return out;
  }

  Value operation_value(Arena& arena, const ApiOperation& operation) const {
    constexpr std::string_view kSchemes[] = {"https"};
    Value out = Value::object();
    out.set_ref(arena, "description", text(operation.doc));
    if (const auto types = body_media_types(operation); !types.empty()) {
      out.set_ref(arena, "consumes", texts(arena, types));
    }
    out.set_ref(arena, "produces", texts(arena, answer_media_types(operation)));
    out.set_ref(arena, "schemes", texts(arena, kSchemes));
    out.set_ref(arena, "tags", Value::array()).append(arena, text(operation.tag));
    out.set_ref(arena, "operationId", text(operation.id));
    Value parameters = Value::array();
    if (operation.body != nullptr) parameters.append(arena, body(arena, operation));
    for (const auto& parameter : operation.parameters)
      parameters.append(arena, of(arena, parameter));
    if (!parameters.empty()) out.set_ref(arena, "parameters", parameters);
    out.set_ref(arena, "responses", responses(arena, operation));
    if (operation.kind.empty()) return out;
    out.set_ref(arena, "x-kubernetes-action", text(operation.action));
    out.set_ref(arena, "x-kubernetes-group-version-kind",
                group_version_kind(arena, operation.group, operation.version, operation.kind));
    return out;
  }

  Definitions definitions_;
  std::vector<ApiPath> paths_;
  std::optional<MergedOpenApi> merged_;
};

}  // namespace

std::string openapi_v2_json(const Catalog& catalog, const RemoteOpenApis& remotes) {
  const V2Document document(catalog, remotes);
  const MergedOpenApi* merged = document.merged();
  std::string out = R"({"swagger":"2.0","info":{"title":"Kubernetes","version":)";
  api::write_json_string(out, kApiVersion);
  Arena arena;
  const auto add = [&](std::string_view key, const Value& value) {
    if (out.back() != '{') out += ',';
    api::write_json_string(out, key);
    out += ':';
    api::write_json(out, value);
    arena.reset();
  };
  out += "},\"paths\":{";
  for (const ApiPath& path : document.paths()) add(path.path, document.path_item(arena, path));
  if (merged != nullptr) {
    for (const auto& [path, item] : merged->paths()) add(path, item);
  }
  out += "},\"definitions\":{";
  for (const auto& [name, definition] : document.definitions().all()) {
    add(name, document.definitions().schema_of(arena, definition));
  }
  if (merged != nullptr) {
    for (const auto& [name, schema] : merged->definitions()) add(name, schema);
  }
  return out += R"(},"securityDefinitions":{"BearerToken":{"description":)"
                R"("Bearer Token authentication","type":"apiKey","name":"authorization",)"
                R"("in":"header"}},"security":[{"BearerToken":[]}]})";
}

std::string openapi_v2_protobuf(const Catalog& catalog, const RemoteOpenApis& remotes) {
  const V2Document document(catalog, remotes);
  const MergedOpenApi* merged = document.merged();
  std::string out;
  OpenApiV2Writer writer(out);
  Arena arena;
  writer.write_security();
  // Back to front, as everything is written here.
  writer.begin_definitions();
  if (merged != nullptr) {
    for (const auto& [name, schema] : std::views::reverse(merged->definitions())) {
      writer.write_definition(name, schema);
    }
  }
  for (const auto& [name, definition] : std::views::reverse(document.definitions().all())) {
    writer.write_definition(name, document.definitions().schema_of(arena, definition));
    arena.reset();
  }
  writer.end_definitions();
  writer.begin_paths();
  if (merged != nullptr) {
    for (const auto& [path, item] : std::views::reverse(merged->paths())) {
      writer.write_path(path, item);
    }
  }
  for (const ApiPath& path : std::views::reverse(document.paths())) {
    writer.write_path(path.path, document.path_item(arena, path));
    arena.reset();
  }
  writer.end_paths();
  writer.finish("Kubernetes", kApiVersion);
  return out;
}

}  // namespace pinnace::apiserver
