// Whatever another server sends as its documents, it is understood or left out; and what is
// understood can be written with ours.
#include <cstddef>
#include <cstdint>

#include "apiserver/aggregation/remote_openapi.h"
#include "apiserver/openapi/openapi_merge.h"
#include "apiserver/openapi/openapi_v2_wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::apiserver;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto remote = RemoteOpenApi::parse("g.io", "v1", text, text);
  const MergedOpenApi merged({remote, remote}, {}, [](const std::string&) {
    return std::optional<pinnace::api::Value>();
  });
  std::string out;
  OpenApiV2Writer writer(out);
  for (const auto& [name, schema] : merged.definitions()) writer.write_definition(name, schema);
  for (const auto& [path, item] : merged.paths()) writer.write_path(path, item);
  return 0;
}
