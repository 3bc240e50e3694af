// OpenApiV2Writer turns the parts of an OpenAPI v2 document into protobuf, from the end of the
// document to its beginning.
//
// Shape: the message openapi.v2.Document. Extensions ("x-...") and defaults are YAML texts in it,
//   which our JSON is.
// Source: gnostic's openapiv2/OpenAPIv2.proto for the field numbers.
#pragma once

#include <string>
#include <string_view>

#include "api/protobuf_wire.h"
#include "api/value.h"

namespace pinnace::apiserver {

class OpenApiV2Writer {
 public:
  explicit OpenApiV2Writer(std::string& out) : wire_(out) {}

  void write_security();
  void begin_definitions() { mark_ = wire_.size(); }
  void write_definition(std::string_view name, const api::Value& schema);
  void end_definitions();
  void begin_paths() { mark_ = wire_.size(); }
  void write_path(std::string_view path, const api::Value& item);
  void end_paths();
  // The head of the document, and the bytes in their order.
  void finish(std::string_view title, std::string_view version);

 private:
  void write_any(std::uint32_t number, const api::Value& value);
  void write_extensions(std::uint32_t number, const api::Value& object);
  void write_texts(std::uint32_t number, const api::Value* list);
  void write_member(std::uint32_t number, const api::Value& object, std::string_view name);
  void write_schema(std::uint32_t number, const api::Value& schema);
  void write_properties(const api::Value& schema);
  void write_operation(std::uint32_t number, const api::Value& operation);
  void write_parameters(std::uint32_t number, const api::Value* list);
  void write_responses(std::uint32_t number, const api::Value* responses);

  api::wire::Writer wire_;
  std::size_t mark_ = 0;
};

}  // namespace pinnace::apiserver
