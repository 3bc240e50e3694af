// Kubernetes' protobuf form of objects, by the schema: Value trees to and from bytes.
//
// Shape: an object is the envelope "k8s\0" and a runtime.Unknown message around its own message.
//   What is written is byte for byte what Go's generated code writes: fields by number, map keys
//   sorted, members without a pointer always there.
// Errors: 400 BadRequest for bytes that are no such message. Unknown field numbers are skipped.
// Bounds: messages nest at most 100 deep; the size is the caller's business.
// Source: api-machinery's runtime/serializer/protobuf; the protobuf encoding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/schema.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::api {

inline constexpr std::string_view kProtobufMagic{"k8s\0", 4};

// What an envelope says; the views are into the bytes that were read.
struct ProtobufEnvelope {
  std::string_view api_version;
  std::string_view kind;
  std::string_view content_encoding;
  std::string_view content_type;
  std::string_view message;
};
Result<ProtobufEnvelope> read_protobuf_envelope(std::string_view bytes);

// A bare message of `type`. The tree owns its strings through the arena. It holds what was on the
// wire: `normalise` brings it into the form of objects.
Result<Value> decode_protobuf(Arena& arena, std::string_view message, const TypeInfo& type);
// An enveloped object of `type`, of which the envelope may say nothing or, if it does, must name
// the kind. apiVersion and kind are those of the envelope.
Result<Value> decode_protobuf_object(Arena& arena, std::string_view bytes, const TypeInfo& type);

// Appends the bare message of a normalised `value`.
void encode_protobuf(std::string& out, const Value& value, const TypeInfo& type);
// The envelope of a message that is encoded already: what stands before it, and after it.
std::string protobuf_envelope_head(std::string_view api_version, std::string_view kind,
                                   std::size_t message_bytes);
inline constexpr std::string_view kProtobufEnvelopeTail{"\x1a\0\x22\0", 4};
// What stands before `bytes` of a field that is a message, a text or bytes.
std::string protobuf_field_head(std::uint32_t number, std::size_t bytes);
// Whether protobuf can say objects of this type; those of custom resources it cannot.
bool has_protobuf(const TypeInfo& type);
// Appends the enveloped object; apiVersion and kind are the value's own.
void encode_protobuf_object(std::string& out, const Value& value, const TypeInfo& type);
// A watch frame's content: a bare WatchEvent around an object that is encoded already.
std::string encode_protobuf_watch_event(std::string_view event_type, std::string_view object);

}  // namespace pinnace::api
