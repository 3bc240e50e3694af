#include "api/protobuf.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "api/json.h"
#include "api/object_codec.h"
#include "api/test_support.h"
#include "base/rng.h"

namespace pinnace::api {
namespace {

const TypeInfo& type_of(std::string_view group, std::string_view version, std::string_view name) {
  return *builtin_schema().find_type(group, version, name);
}

std::string label_of(const TypeInfo& type) {
  return std::string(type.group) + "/" + std::string(type.version) + "." + std::string(type.name);
}

std::string encoded(std::string_view json, const TypeInfo& type) {
  Arena arena;
  Value value = parse_json(arena, json).value();
  EXPECT_TRUE(normalise(arena, value, type).has_value());
  std::string bytes;
  encode_protobuf_object(bytes, value, type);
  return bytes;
}

// The normalised JSON of enveloped bytes, or the error's message.
std::string decoded(std::string_view bytes, const TypeInfo& type) {
  Arena arena;
  auto value = decode_protobuf_object(arena, bytes, type);
  if (!value) return std::to_string(value.error().code) + " " + value.error().message;
  if (auto ok = normalise(arena, *value, type); !ok) return ok.error().message;
  return to_json_text(*value);
}

std::string bytes_of(std::initializer_list<int> numbers) {
  std::string bytes;
  for (const int number : numbers) bytes += static_cast<char>(number);
  return bytes;
}

// Types of which every field has a number.
bool is_whole(const TypeInfo& type) {
  return type.form == TypeForm::kStruct && type.proto_order.size() == type.fields.size();
}

TEST(Protobuf, WritesTheBytesThatGoWrites) {
  const std::string bytes =
      encoded(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}})",
              type_of("", "v1", "ConfigMap"));
  const std::string metadata =
      bytes_of({0x0a, 0x01, 'a', 0x12, 0, 0x1a, 0, 0x22, 0, 0x2a, 0, 0x32, 0, 0x38, 0, 0x42, 0});
  std::string body = bytes_of({0x0a, static_cast<int>(metadata.size())}) + metadata +
                     bytes_of({0x12, 0x06, 0x0a, 1, 'k', 0x12, 1, 'v'});
  const std::string type_meta = bytes_of({0x0a, 2, 'v', '1', 0x12, 9}) + "ConfigMap";
  EXPECT_EQ(bytes, std::string(kProtobufMagic) +
                       bytes_of({0x0a, static_cast<int>(type_meta.size())}) + type_meta +
                       bytes_of({0x12, static_cast<int>(body.size())}) + body +
                       bytes_of({0x1a, 0, 0x22, 0}));
}

TEST(Protobuf, RoundTripsEveryFieldOfEveryType) {
  for (const TypeInfo& type : builtin_schema().types) {
    if (!is_whole(type)) continue;
    Arena arena;
    Value value = Filler(arena).object(type);
    ASSERT_TRUE(normalise(arena, value, type).has_value()) << label_of(type);
    const std::string before = to_json_text(value);
    std::string bytes;
    encode_protobuf(bytes, value, type);
    auto back = decode_protobuf(arena, bytes, type);
    ASSERT_TRUE(back.has_value()) << label_of(type) << ": " << back.error().message;
    ASSERT_TRUE(normalise(arena, *back, type).has_value()) << label_of(type);
    EXPECT_EQ(to_json_text(*back), before) << label_of(type);
    std::string again;
    encode_protobuf(again, *back, type);
    EXPECT_EQ(again, bytes) << label_of(type);
  }
}

TEST(Protobuf, EveryServedKindHasAForm) {
  for (const ResourceInfo& resource : builtin_schema().resources) {
    EXPECT_TRUE(is_whole(*resource.type)) << resource.group << " " << resource.kind;
    if (resource.list_type == nullptr) continue;
    EXPECT_TRUE(is_whole(*resource.list_type)) << resource.list_type->name;
  }
  for (const std::string_view name : {"DeleteOptions", "Status", "WatchEvent", "List",
                                      "PartialObjectMetadata", "PartialObjectMetadataList"}) {
    EXPECT_TRUE(is_whole(type_of("meta.k8s.io", "v1", name))) << name;
  }
}

TEST(Protobuf, EmptyObjectsKeepWhatIsAlwaysThere) {
  for (const TypeInfo& type : builtin_schema().types) {
    if (!is_whole(type)) continue;
    Arena arena;
    Value value = Value::object();
    ASSERT_TRUE(normalise(arena, value, type).has_value()) << label_of(type);
    std::string bytes;
    encode_protobuf(bytes, value, type);
    auto back = decode_protobuf(arena, bytes, type);
    ASSERT_TRUE(back.has_value()) << label_of(type);
    ASSERT_TRUE(normalise(arena, *back, type).has_value()) << label_of(type);
    EXPECT_EQ(to_json_text(*back), to_json_text(value)) << label_of(type);
  }
}

TEST(Protobuf, ReadsOptionsInTheEnvelopeOfAnyGroup) {
  // client-go names DeleteOptions by the group and version of what it deletes.
  const TypeInfo& type = type_of("apps", "v1", "DeleteOptions");
  const std::string json =
      R"({"kind":"DeleteOptions","apiVersion":"apps/v1","gracePeriodSeconds":0,)"
      R"("preconditions":{"uid":"u"},"propagationPolicy":"Background"})";
  EXPECT_EQ(decoded(encoded(json, type), type), json);
}

TEST(Protobuf, TakesAnEnvelopeThatDoesNotNameTheKind) {
  const TypeInfo& type = type_of("policy", "v1", "Eviction");
  const std::string json = R"({"metadata":{"name":"p","namespace":"n"},)"
                           R"("deleteOptions":{"gracePeriodSeconds":5}})";
  EXPECT_EQ(decoded(encoded(json, type), type), json);
}

TEST(Protobuf, RefusesAnotherKind) {
  const std::string secret =
      encoded(R"({"kind":"Secret","apiVersion":"v1","metadata":{}})", type_of("", "v1", "Secret"));
  EXPECT_EQ(decoded(secret, type_of("", "v1", "ConfigMap")),
            R"(400 Secret in version "v1" cannot be handled as a ConfigMap)");
}

TEST(Protobuf, RefusesBytesThatAreNoEnvelope) {
  const TypeInfo& type = type_of("", "v1", "ConfigMap");
  EXPECT_EQ(decoded(R"({"kind":"ConfigMap"})", type),
            "400 provided data does not appear to be a protobuf message, expected prefix "
            "[107 56 115 0]");
  EXPECT_EQ(decoded(std::string(kProtobufMagic) + "\x0a\x7f", type),
            "400 the protobuf bytes are not a valid envelope");
}

TEST(Protobuf, SkipsUnknownFieldsAndTakesTheLastOfTwo) {
  Arena arena;
  const TypeInfo& type = type_of("", "v1", "ConfigMap");
  // Field 1000 of each wire type, then data {"k": "1"} and {"k": "2"}.
  const std::string bytes =
      bytes_of({0xc0, 0x3e, 0x81, 0x01, 0xc1, 0x3e, 1,    2,    3, 4,   5,    6,    7,  8,
                0xc5, 0x3e, 1,    2,    3,    4,    0xc2, 0x3e, 2, 'x', 'y',  0x12, 6,  0x0a,
                1,    'k',  0x12, 1,    '1',  0x12, 6,    0x0a, 1, 'k', 0x12, 1,    '2'});
  auto value = decode_protobuf(arena, bytes, type);
  ASSERT_TRUE(value.has_value()) << value.error().message;
  EXPECT_EQ(to_json_text(*value), R"({"data":{"k":"2"}})");
}

TEST(Protobuf, RefusesBrokenBytesWith400) {
  const TypeInfo& type = type_of("", "v1", "Pod");
  Arena arena;
  for (const std::string& bytes : {
           bytes_of({0x0a}),             // no length
           bytes_of({0x0a, 0x05, 'a'}),  // length past the end
           bytes_of({0x00, 0x00}),       // field zero
           bytes_of({0x0b}),             // a group
           bytes_of({0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}),
           bytes_of({0x08, 0x01}),                    // a number for metadata
           bytes_of({0x0a, 0x03, 0x0a, 0x01, 0xff}),  // a name that is no UTF-8
       }) {
    auto value = decode_protobuf(arena, bytes, type);
    ASSERT_FALSE(value.has_value());
    EXPECT_EQ(value.error().code, 400);
    EXPECT_EQ(value.error().reason, "BadRequest");
  }
}

TEST(Protobuf, BoundsNesting) {
  const TypeInfo& type = type_of("apiextensions.k8s.io", "v1", "JSONSchemaProps");
  const std::uint32_t negation = type.field("not")->proto_number;
  const auto nested = [&](int depth) {
    std::string bytes;
    for (int i = 0; i < depth; ++i) {
      std::string outer = bytes_of({static_cast<int>((negation << 3 | 2) & 0x7f) | 0x80,
                                    static_cast<int>((negation << 3) >> 7)});
      for (std::size_t size = bytes.size();; size >>= 7) {
        outer += static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
        if (size <= 0x7f) break;
      }
      bytes = outer + bytes;
    }
    return bytes;
  };
  Arena arena;
  EXPECT_TRUE(decode_protobuf(arena, nested(90), type).has_value());
  EXPECT_FALSE(decode_protobuf(arena, nested(10'000), type).has_value());
}

TEST(Protobuf, ReadsObjectsInsideRawExtensions) {
  const std::string pod = encoded(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"}})",
                                  type_of("", "v1", "Pod"));
  Arena arena;
  auto event = decode_protobuf(arena, encode_protobuf_watch_event("ADDED", pod),
                               type_of("meta.k8s.io", "v1", "WatchEvent"));
  ASSERT_TRUE(event.has_value()) << event.error().message;
  EXPECT_EQ(event->string_at("type"), "ADDED");
  const Value* object = event->find("object");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->string_at("kind"), "Pod");
  EXPECT_EQ(object->find_path({"metadata", "name"})->as_string(), "p");
}

TEST(Protobuf, SurvivesRandomMutations) {
  constexpr int kMutations = 40;
  const std::unique_ptr<Rng> random = seeded_rng(20261126);
  for (const TypeInfo& type : builtin_schema().types) {
    if (!is_whole(type)) continue;
    Arena arena;
    Value value = Filler(arena).object(type);
    std::string original;
    encode_protobuf(original, value, type);
    for (int i = 0; i < kMutations && !original.empty(); ++i) {
      std::string bytes = original;
      for (std::uint64_t change = random->below(4); change < 5; ++change) {
        const std::size_t at = random->below(bytes.size());
        switch (random->below(4)) {
          case 0:
            bytes[at] = static_cast<char>(random->next());
            break;
          case 1:
            bytes[at] = static_cast<char>(bytes[at] ^ 1 << random->below(8));
            break;
          case 2:
            bytes.insert(at, 1, static_cast<char>(random->next()));
            break;
          default:
            if (bytes.size() > 1) bytes.erase(at, 1);
        }
      }
      Arena scratch;
      auto read = decode_protobuf(scratch, bytes, type);
      if (!read) {
        EXPECT_EQ(read.error().code, 400);
        continue;
      }
      // Whatever was accepted can be checked, and then written again.
      if (!normalise(scratch, *read, type)) continue;
      std::string again;
      encode_protobuf(again, *read, type);
      EXPECT_TRUE(decode_protobuf(scratch, again, type).has_value()) << label_of(type);
    }
  }
}

}  // namespace
}  // namespace pinnace::api
