// Bytes of clients: decoding must never break, and what was decoded must encode.
#include <cstddef>
#include <cstdint>
#include <string>

#include "api/defaults.h"
#include "api/object_codec.h"
#include "api/protobuf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::api;
  if (size < 2) return 0;
  const auto types = builtin_schema().types;
  const TypeInfo& type = types[(data[0] | data[1] << 8) % types.size()];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  Arena arena;
  auto value = decode_protobuf(arena, bytes, type);
  if (value && value->is_object() && normalise(arena, *value, type)) {
    apply_defaults(arena, *value, type);
    std::string out;
    encode_protobuf(out, *value, type);
  }
  (void)decode_protobuf_object(arena, bytes, type);
  return 0;
}
