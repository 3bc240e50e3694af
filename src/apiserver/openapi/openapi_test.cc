#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "api/json.h"
#include "api/protobuf_wire.h"
#include "api/yaml.h"
#include "apiserver/openapi/openapi_paths.h"
#include "apiserver/openapi/openapi_schema.h"
#include "apiserver/openapi/openapi_v2.h"
#include "apiserver/openapi/openapi_v3.h"
#include "io/sim_executor.h"

namespace pinnace::apiserver {
namespace {

using api::Value;
using api::wire::Field;
using api::wire::Reader;

const api::Schema& schema() { return api::builtin_schema(); }
const Catalog& catalog() {
  static io::SimExecutor executor;
  static const Catalog kCatalog(executor, executor, {});
  return kCatalog;
}

// Calls `visit` with the target of every "$ref".
template <typename Visit>
void visit_references(const Value& value, const Visit& visit) {
  if (value.is_array()) {
    for (const Value& item : value.items()) visit_references(item, visit);
  }
  for (const auto& [key, member] :
       value.is_object() ? value.members() : std::span<const api::Member>()) {
    if (key == "$ref" && member.is_string())
      visit(member.as_string());
    else
      visit_references(member, visit);
  }
}

void expect_references_resolve(const Value& document, const Value& definitions,
                               std::string_view prefix) {
  std::set<std::string_view> names;
  for (const auto& [name, definition] : definitions.members()) names.insert(name);
  visit_references(document, [&](std::string_view target) {
    ASSERT_TRUE(target.starts_with(prefix)) << target;
    EXPECT_TRUE(names.contains(target.substr(prefix.size()))) << target;
  });
}

bool has_parameter(const Value& operation, std::string_view name) {
  const Value* parameters = operation.find("parameters");
  if (parameters == nullptr) return false;
  for (const Value& parameter : parameters->items()) {
    if (parameter.string_at("name") == name && parameter.string_at("in") == "query") return true;
  }
  return false;
}

bool has_kind(const Value& definition, std::string_view group, std::string_view version,
              std::string_view kind) {
  const Value* kinds = definition.find("x-kubernetes-group-version-kind");
  if (kinds == nullptr) return false;
  for (const Value& one : kinds->items()) {
    if (one.string_at("group") == group && one.string_at("version") == version &&
        one.string_at("kind") == kind) {
      return true;
    }
  }
  return false;
}

std::string path_of(const api::ResourceInfo& resource) {
  return version_path(resource.group, resource.version) +
         (resource.namespaced ? "/namespaces/{namespace}/" : "/") + std::string(resource.name);
}

// Every verb of the resource and its subresources has an operation in `paths`.
void expect_operations(const Value& paths, const api::ResourceInfo& resource) {
  const std::map<std::string_view, std::pair<bool, const char*>> methods = {
      {"list", {true, "get"}},
      {"create", {true, "post"}},
      {"deletecollection", {true, "delete"}},
      {"get", {false, "get"}},
      {"update", {false, "put"}},
      {"patch", {false, "patch"}},
      {"delete", {false, "delete"}}};
  const std::string base = path_of(resource);
  for (const std::string_view verb : resource.verbs) {
    if (verb == "watch") continue;
    const auto [of_collection, method] = methods.at(verb);
    const Value* path = paths.find(of_collection ? base : base + "/{name}");
    ASSERT_NE(path, nullptr) << base << " " << verb;
    const Value* operation = path->find(method);
    ASSERT_NE(operation, nullptr) << base << " " << verb;
    const Value& kind = *operation->find("x-kubernetes-group-version-kind");
    EXPECT_EQ(kind.string_at("kind"), resource.kind);
    if (verb == "patch") {
      EXPECT_TRUE(has_parameter(*operation, "fieldValidation")) << base;
    }
  }
  for (const api::SubresourceInfo& sub : resource.subresources) {
    const Value* path = paths.find(base + "/{name}/" + std::string(sub.name));
    ASSERT_NE(path, nullptr) << base << " " << sub.name;
    // And parameters; to a proxy HEAD and OPTIONS go, too.
    const std::size_t others = sub.name == "proxy" ? 3 : 1;
    EXPECT_EQ(path->size(), sub.verbs.size() + others) << base << " " << sub.name;
  }
}

TEST(OpenApiV3, HasEveryResourceWithItsTypesAndVerbs) {
  std::size_t resources = 0;
  for (const std::string_view group : schema().groups()) {
    for (const std::string_view version : schema().versions(group)) {
      api::Arena arena;
      const auto parsed = api::parse_json(arena, openapi_v3_json(catalog(), group, version));
      ASSERT_TRUE(parsed);
      const Value& schemas = *parsed->find_path({"components", "schemas"});
      expect_references_resolve(*parsed, schemas, "#/components/schemas/");
      for (const api::ResourceInfo& resource : schema().resources) {
        if (!resource.enabled || resource.group != group || resource.version != version) continue;
        ++resources;
        expect_operations(*parsed->find("paths"), resource);
        if (resource.verbs.empty()) continue;  // It is there for its subresources.
        const Value* definition = schemas.find(definition_name(*resource.type));
        ASSERT_NE(definition, nullptr) << resource.kind;
        EXPECT_TRUE(has_kind(*definition, group, version, resource.type->name)) << resource.kind;
      }
    }
  }
  EXPECT_GT(resources, 60U);
}

TEST(OpenApiV3, PatchesSayWhatTheyTake) {
  api::Arena arena;
  const Value document = api::parse_json(arena, openapi_v3_json(catalog(), "apps", "v1")).value();
  const Value& patch = *document.find_path(
      {"paths", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}", "patch"});
  EXPECT_EQ(patch.string_at("operationId"), "patchAppsV1NamespacedDeployment");
  EXPECT_EQ(patch.string_at("x-kubernetes-action"), "patch");
  EXPECT_EQ(api::to_json_text(*patch.find("x-kubernetes-group-version-kind")),
            R"({"group":"apps","kind":"Deployment","version":"v1"})");
  const Value& content = *patch.find_path({"requestBody", "content"});
  for (const std::string_view type : patch_media_types({})) {
    EXPECT_NE(content.find(type), nullptr) << type;
  }
  EXPECT_NE(content.find("application/strategic-merge-patch+json"), nullptr);
}

TEST(OpenApiV3, SaysHowListsMerge) {
  api::Arena arena;
  const Value document = api::parse_json(arena, openapi_v3_json(catalog(), "", "v1")).value();
  const auto property = [&](std::string_view type, std::string_view name) {
    return *document.find_path({"components", "schemas", type, "properties", name});
  };
  const Value containers = property("io.k8s.api.core.v1.PodSpec", "containers");
  EXPECT_EQ(containers.string_at("type"), "array");
  EXPECT_EQ(containers.string_at("x-kubernetes-list-type"), "map");
  EXPECT_EQ(api::to_json_text(*containers.find("x-kubernetes-list-map-keys")), R"(["name"])");
  EXPECT_EQ(containers.string_at("x-kubernetes-patch-strategy"), "merge");
  EXPECT_EQ(containers.string_at("x-kubernetes-patch-merge-key"), "name");
  EXPECT_EQ(property("io.k8s.api.core.v1.Container", "imagePullPolicy").find("enum")->size(), 3U);
  EXPECT_EQ(property("io.k8s.api.core.v1.ServicePort", "port").string_at("format"), "int32");
  const Value selector = property("io.k8s.api.core.v1.ServiceSpec", "selector");
  EXPECT_EQ(selector.string_at("x-kubernetes-map-type"), "atomic");
  EXPECT_EQ(api::to_json_text(*document.find_path(
                {"components", "schemas", "io.k8s.api.core.v1.PodSpec", "required"})),
            R"(["containers"])");
  EXPECT_NE(property("io.k8s.api.core.v1.Pod", "apiVersion").string_at("description"), "");
}

TEST(OpenApiV3, WritesTheSameTextEachTime) {
  EXPECT_EQ(openapi_v3_json(catalog(), "batch", "v1"), openapi_v3_json(catalog(), "batch", "v1"));
}

TEST(OpenApiV2, HasEveryResourceWithItsTypesAndVerbs) {
  api::Arena arena;
  const auto parsed = api::parse_json(arena, openapi_v2_json(catalog()));
  ASSERT_TRUE(parsed);
  const Value& definitions = *parsed->find("definitions");
  expect_references_resolve(*parsed, definitions, "#/definitions/");
  for (const api::ResourceInfo& resource : schema().resources) {
    if (!resource.enabled) continue;
    expect_operations(*parsed->find("paths"), resource);
    if (resource.verbs.empty()) continue;
    const Value* definition = definitions.find(definition_name(*resource.type));
    ASSERT_NE(definition, nullptr) << resource.kind;
    EXPECT_TRUE(has_kind(*definition, resource.group, resource.version, resource.type->name))
        << resource.kind;
  }
  std::set<std::string_view> ids;
  for (const auto& [path, item] : parsed->find("paths")->members()) {
    for (const auto& [method, operation] : item.members()) {
      if (method == "parameters") continue;
      EXPECT_TRUE(ids.insert(operation.string_at("operationId")).second)
          << operation.string_at("operationId");
    }
  }
}

TEST(DefinitionName, TurnsDomainsAround) {
  const auto name = [](std::string_view group, std::string_view version, std::string_view type) {
    return definition_name(*schema().find_type(group, version, type));
  };
  EXPECT_EQ(name("apps", "v1", "Deployment"), "io.k8s.api.apps.v1.Deployment");
  EXPECT_EQ(name("meta.k8s.io", "v1", "ObjectMeta"),
            "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  EXPECT_EQ(name("apiregistration.k8s.io", "v1", "APIService"),
            "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService");
  api::TypeInfo custom{};
  custom.group = "stable.example.com";
  custom.version = "v1";
  custom.name = "CronTab";
  EXPECT_EQ(definition_name(custom), "com.example.stable.v1.CronTab");
}

// The fields of a message with that number, in their order.
std::vector<Field> fields_of(std::string_view message, std::uint32_t number) {
  std::vector<Field> found;
  Reader reader(message);
  Field field;
  while (!reader.at_end()) {
    if (!reader.next(field)) {
      ADD_FAILURE() << "broken protobuf";
      break;
    }
    if (field.number == number) found.push_back(field);
  }
  return found;
}

// The text of the first field with that number.
std::string_view text_of(std::string_view message, std::uint32_t number) {
  const auto found = fields_of(message, number);
  return found.empty() ? std::string_view() : found[0].bytes;
}

// Compares a Schema message with the JSON of the same schema.
void expect_same_schema(std::string_view message, const Value& json) {
  EXPECT_EQ(text_of(message, 1), json.string_at("$ref"));
  EXPECT_EQ(text_of(message, 2), json.string_at("format"));
  EXPECT_EQ(text_of(message, 4), json.string_at("description"));
  EXPECT_EQ(text_of(text_of(message, 22), 1), json.string_at("type"));
  const Value* required = json.find("required");
  const auto required_fields = fields_of(message, 19);
  ASSERT_EQ(required_fields.size(), required == nullptr ? 0 : required->size());
  for (std::size_t i = 0; i < required_fields.size(); ++i) {
    EXPECT_EQ(required_fields[i].bytes, required->items()[i].as_string());
  }
  std::size_t extensions = 0;
  for (const auto& [key, value] : json.members()) extensions += key.starts_with("x-");
  const auto extension_fields = fields_of(message, 31);
  EXPECT_EQ(extension_fields.size(), extensions);
  for (const Field& extension : extension_fields) {
    const Value* value = json.find(text_of(extension.bytes, 1));
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(text_of(text_of(extension.bytes, 2), 2), api::to_yaml_text(*value));
  }
  if (const Value* items = json.find("items")) {
    expect_same_schema(text_of(text_of(message, 23), 1), *items);
  }
  if (const Value* more = json.find("additionalProperties")) {
    expect_same_schema(text_of(text_of(message, 21), 1), *more);
  }
  const Value* properties = json.find("properties");
  const auto property_fields = fields_of(text_of(message, 25), 1);
  ASSERT_EQ(property_fields.size(), properties == nullptr ? 0 : properties->size());
  for (std::size_t i = 0; i < property_fields.size(); ++i) {
    const auto& [name, property] = properties->members()[i];
    EXPECT_EQ(text_of(property_fields[i].bytes, 1), name);
    expect_same_schema(text_of(property_fields[i].bytes, 2), property);
  }
}

TEST(OpenApiV2Protobuf, HasTheDefinitionsOfTheJson) {
  const std::string bytes = openapi_v2_protobuf(catalog());
  api::Arena arena;
  const Value json = api::parse_json(arena, openapi_v2_json(catalog())).value();
  EXPECT_EQ(text_of(bytes, 1), "2.0");
  EXPECT_EQ(text_of(text_of(bytes, 2), 1), "Kubernetes");
  const auto definitions = json.find("definitions")->members();
  const auto messages = fields_of(text_of(bytes, 9), 1);
  ASSERT_EQ(messages.size(), definitions.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(text_of(messages[i].bytes, 1), definitions[i].key);
    SCOPED_TRACE(definitions[i].key);
    expect_same_schema(text_of(messages[i].bytes, 2), definitions[i].value);
  }
}

// The names of the query parameters of an Operation message.
std::set<std::string_view> query_parameters(std::string_view operation) {
  std::set<std::string_view> names;
  for (const Field& item : fields_of(operation, 8)) {
    const std::string_view query = text_of(text_of(text_of(item.bytes, 1), 2), 3);
    if (!query.empty()) names.insert(text_of(query, 4));
  }
  return names;
}

TEST(OpenApiV2Protobuf, HasThePathsOfTheJson) {
  const std::string bytes = openapi_v2_protobuf(catalog());
  api::Arena arena;
  const Value json = api::parse_json(arena, openapi_v2_json(catalog())).value();
  const auto paths = json.find("paths")->members();
  const auto messages = fields_of(text_of(bytes, 8), 2);
  ASSERT_EQ(messages.size(), paths.size());
  const std::map<std::string_view, std::uint32_t> methods = {
      {"get", 2},     {"put", 3},  {"post", 4}, {"delete", 5},
      {"options", 6}, {"head", 7}, {"patch", 8}};
  for (std::size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(text_of(messages[i].bytes, 1), paths[i].key);
    const std::string_view item = text_of(messages[i].bytes, 2);
    for (const auto& [method, operation] : paths[i].value.members()) {
      if (method == "parameters") {
        EXPECT_EQ(fields_of(item, 9).size(), operation.size());
        continue;
      }
      const std::string_view message = text_of(item, methods.at(method));
      EXPECT_EQ(text_of(message, 5), operation.string_at("operationId"));
      const Value* consumes = operation.find("consumes");
      EXPECT_EQ(fields_of(message, 7).size(), consumes == nullptr ? 0 : consumes->size());
      EXPECT_EQ(fields_of(text_of(message, 9), 1).size(), operation.find("responses")->size());
      const auto names = query_parameters(message);
      EXPECT_EQ(names.contains("fieldValidation"), has_parameter(operation, "fieldValidation"));
      const Value* parameters = operation.find("parameters");
      EXPECT_EQ(fields_of(message, 8).size(), parameters == nullptr ? 0 : parameters->size());
    }
  }
}

}  // namespace
}  // namespace pinnace::apiserver
