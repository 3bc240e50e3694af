#include "apiserver/openapi/openapi_v2_wire.h"

#include <ranges>

#include "api/yaml.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

// Field numbers of the messages, named as the proto file names them.
namespace document {
constexpr std::uint32_t kSwagger = 1, kInfo = 2, kPaths = 8, kDefinitions = 9, kSecurity = 12,
                        kSecurityDefinitions = 13;
}
namespace info {
constexpr std::uint32_t kTitle = 1, kVersion = 2;
}
namespace named {
constexpr std::uint32_t kName = 1, kValue = 2;
}
namespace schema {
constexpr std::uint32_t kRef = 1, kFormat = 2, kDescription = 4, kDefault = 5, kRequired = 19,
                        kEnum = 20, kAdditionalProperties = 21, kType = 22, kItems = 23,
                        kProperties = 25, kVendorExtension = 31;
}
namespace operation {
constexpr std::uint32_t kTags = 1, kDescription = 3, kOperationId = 5, kProduces = 6, kConsumes = 7,
                        kParameters = 8, kResponses = 9, kSchemes = 10, kVendorExtension = 13;
}
namespace path_item {
constexpr std::uint32_t kParameters = 9;
struct Method {
  std::string_view name;
  std::uint32_t number;
};
constexpr Method kMethods[] = {{"get", 2},     {"put", 3},  {"post", 4}, {"delete", 5},
                               {"options", 6}, {"head", 7}, {"patch", 8}};
}  // namespace path_item
namespace body_parameter {
constexpr std::uint32_t kName = 2, kIn = 3, kRequired = 4, kSchema = 5;
}
// Parameters of query and path, which differ in their last numbers.
struct SimpleParameter {
  std::uint32_t choice;  // in NonBodyParameter
  std::uint32_t type, unique_items;
};
constexpr std::uint32_t kParameterRequired = 1, kParameterIn = 2, kParameterDescription = 3,
                        kParameterName = 4;
constexpr SimpleParameter kQuery = {3, 6, 20};
constexpr SimpleParameter kPath = {4, 5, 19};
// In messages with one alternative or one repeated field.
constexpr std::uint32_t kFirst = 1, kSecond = 2;
constexpr std::uint32_t kAnyYaml = 2;

}  // namespace

void OpenApiV2Writer::write_any(std::uint32_t number, const Value& value) {
  const std::size_t mark = wire_.size();
  wire_.text_field(kAnyYaml, api::to_yaml_text(value));
  wire_.close(number, mark);
}

void OpenApiV2Writer::write_extensions(std::uint32_t number, const Value& object) {
  for (const auto& [key, value] : std::views::reverse(object.members())) {
    if (!key.starts_with("x-")) continue;
    const std::size_t mark = wire_.size();
    write_any(named::kValue, value);
    wire_.text_field(named::kName, key);
    wire_.close(number, mark);
  }
}

void OpenApiV2Writer::write_texts(std::uint32_t number, const Value* list) {
  if (list == nullptr) return;
  for (const Value& item : std::views::reverse(list->items())) {
    wire_.text_field(number, item.as_string());
  }
}

void OpenApiV2Writer::write_member(std::uint32_t number, const Value& object,
                                   std::string_view name) {
  const Value* value = object.find(name);
  if (value == nullptr) return;
  if (value->is_bool())
    wire_.varint_field(number, value->as_bool() ? 1 : 0);
  else
    wire_.text_field(number, value->as_string());
}

void OpenApiV2Writer::write_properties(const Value& of) {
  const Value* properties = of.find("properties");
  if (properties == nullptr) return;
  const std::size_t all = wire_.size();
  for (const auto& [name, property] : std::views::reverse(properties->members())) {
    const std::size_t mark = wire_.size();
    write_schema(named::kValue, property);
    wire_.text_field(named::kName, name);
    wire_.close(kFirst, mark);
  }
  wire_.close(schema::kProperties, all);
}

void OpenApiV2Writer::write_schema(std::uint32_t number, const Value& value) {
  const std::size_t whole = wire_.size();
  write_extensions(schema::kVendorExtension, value);
  write_properties(value);
  if (const Value* items = value.find("items")) {
    const std::size_t mark = wire_.size();
    write_schema(kFirst, *items);
    wire_.close(schema::kItems, mark);
  }
  if (value.find("type") != nullptr) {
    const std::size_t mark = wire_.size();
    write_member(kFirst, value, "type");
    wire_.close(schema::kType, mark);
  }
  if (const Value* more = value.find("additionalProperties")) {
    const std::size_t mark = wire_.size();
    write_schema(kFirst, *more);
    wire_.close(schema::kAdditionalProperties, mark);
  }
  if (const Value* values = value.find("enum")) {
    for (const Value& one : std::views::reverse(values->items())) write_any(schema::kEnum, one);
  }
  write_texts(schema::kRequired, value.find("required"));
  if (const Value* preset = value.find("default")) write_any(schema::kDefault, *preset);
  write_member(schema::kDescription, value, "description");
  write_member(schema::kFormat, value, "format");
  write_member(schema::kRef, value, "$ref");
  wire_.close(number, whole);
}

void OpenApiV2Writer::write_parameters(std::uint32_t number, const Value* list) {
  if (list == nullptr) return;
  for (const Value& parameter : std::views::reverse(list->items())) {
    const std::size_t item = wire_.size();
    if (const Value* body = parameter.find("schema")) {
      const std::size_t mark = wire_.size();
      write_schema(body_parameter::kSchema, *body);
      write_member(body_parameter::kRequired, parameter, "required");
      write_member(body_parameter::kIn, parameter, "in");
      write_member(body_parameter::kName, parameter, "name");
      wire_.close(kFirst, mark);
    } else {
      const SimpleParameter& numbers = parameter.string_at("in") == "path" ? kPath : kQuery;
      const std::size_t mark = wire_.size();
      write_member(numbers.unique_items, parameter, "uniqueItems");
      write_member(numbers.type, parameter, "type");
      write_member(kParameterName, parameter, "name");
      write_member(kParameterDescription, parameter, "description");
      write_member(kParameterIn, parameter, "in");
      write_member(kParameterRequired, parameter, "required");
      wire_.close(numbers.choice, mark);
      wire_.close(kSecond, item);
    }
    // The Parameter in its ParametersItem.
    wire_.close(kFirst, item);
    wire_.close(number, item);
  }
}

void OpenApiV2Writer::write_responses(std::uint32_t number, const Value* responses) {
  if (responses == nullptr) return;
  const std::size_t all = wire_.size();
  for (const auto& [status, response] : std::views::reverse(responses->members())) {
    const std::size_t entry = wire_.size();
    if (const Value* body = response.find("schema")) {
      const std::size_t mark = wire_.size();
      write_schema(kFirst, *body);
      wire_.close(kSecond, mark);  // Response.schema
    }
    write_member(kFirst, response, "description");
    wire_.close(kFirst, entry);  // ResponseValue.response
    wire_.close(named::kValue, entry);
    wire_.text_field(named::kName, status);
    wire_.close(kFirst, entry);  // Responses.response_code
  }
  wire_.close(number, all);
}

void OpenApiV2Writer::write_operation(std::uint32_t number, const Value& value) {
  const std::size_t mark = wire_.size();
  write_extensions(operation::kVendorExtension, value);
  write_texts(operation::kSchemes, value.find("schemes"));
  write_responses(operation::kResponses, value.find("responses"));
  write_parameters(operation::kParameters, value.find("parameters"));
  write_texts(operation::kConsumes, value.find("consumes"));
  write_texts(operation::kProduces, value.find("produces"));
  write_member(operation::kOperationId, value, "operationId");
  write_member(operation::kDescription, value, "description");
  write_texts(operation::kTags, value.find("tags"));
  wire_.close(number, mark);
}

void OpenApiV2Writer::write_definition(std::string_view name, const Value& value) {
  const std::size_t mark = wire_.size();
  write_schema(named::kValue, value);
  wire_.text_field(named::kName, name);
  wire_.close(kFirst, mark);
}

void OpenApiV2Writer::end_definitions() { wire_.close(document::kDefinitions, mark_); }

void OpenApiV2Writer::write_path(std::string_view path, const Value& item) {
  const std::size_t entry = wire_.size();
  write_parameters(path_item::kParameters, item.find("parameters"));
  for (const auto& method : std::views::reverse(path_item::kMethods)) {
    if (const Value* value = item.find(method.name)) write_operation(method.number, *value);
  }
  wire_.close(named::kValue, entry);
  wire_.text_field(named::kName, path);
  wire_.close(kSecond, entry);  // Paths.path
}

void OpenApiV2Writer::end_paths() { wire_.close(document::kPaths, mark_); }

void OpenApiV2Writer::write_security() {
  constexpr std::string_view kScheme = "BearerToken";
  // ApiKeySecurity: type 1, name 2, in 3, description 4; the second kind of definition.
  const std::size_t definitions = wire_.size();
  wire_.text_field(4, "Bearer Token authentication");
  wire_.text_field(3, "header");
  wire_.text_field(2, "authorization");
  wire_.text_field(1, "apiKey");
  wire_.close(kSecond, definitions);
  wire_.close(named::kValue, definitions);
  wire_.text_field(named::kName, kScheme);
  wire_.close(kFirst, definitions);
  wire_.close(document::kSecurityDefinitions, definitions);
  const std::size_t requirement = wire_.size();
  wire_.text_field(named::kValue, "");
  wire_.text_field(named::kName, kScheme);
  wire_.close(kFirst, requirement);
  wire_.close(document::kSecurity, requirement);
}

void OpenApiV2Writer::finish(std::string_view title, std::string_view version) {
  const std::size_t mark = wire_.size();
  wire_.text_field(info::kVersion, version);
  wire_.text_field(info::kTitle, title);
  wire_.close(document::kInfo, mark);
  wire_.text_field(document::kSwagger, "2.0");
  wire_.finish();
}

}  // namespace pinnace::apiserver
