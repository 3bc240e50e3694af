#include <algorithm>
#include <bit>
#include <string>

#include "api/json.h"
#include "api/protobuf.h"
#include "api/protobuf_wire.h"
#include "api/time.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

using wire::Reader;
using wire::WireType;

constexpr int kMaxDepth = 100;
// The first second of the year 1, which Go takes for a time that is not set.
constexpr std::int64_t kGoZeroTime = -62'135'596'800;

const FieldInfo* field_by_number(const TypeInfo& type, std::uint32_t number) {
  const auto at = std::ranges::lower_bound(type.proto_order, number, {}, [&](std::uint8_t index) {
    return type.fields[index].proto_number;
  });
  if (at == type.proto_order.end() || type.fields[*at].proto_number != number) return nullptr;
  return &type.fields[*at];
}

class Decoder {
 public:
  explicit Decoder(Arena& arena) : arena_(arena) {}

  bool message(std::string_view bytes, const TypeInfo& type, int depth, Value& out);
  bool object(const ProtobufEnvelope& envelope, const TypeInfo& type, int depth, Value& out);

 private:
  bool members(std::string_view bytes, const TypeInfo& type, int depth, Value& object);
  bool member(const wire::Field& field, const FieldInfo& info, int depth, Value& object);
  bool element(const wire::Field& field, const FieldInfo& info, int depth, Value& out);
  bool number(std::uint64_t raw, const FieldInfo& info, Value& out);
  bool packed(std::string_view bytes, const FieldInfo& info, Value& list);
  bool map_entry(std::string_view bytes, const FieldInfo& info, int depth, Value& map);
  bool special(std::string_view bytes, const FieldInfo& info, int depth, Value& out);
  bool time(std::string_view bytes, Form form, Value& out);
  bool int_or_string(std::string_view bytes, Value& out);
  bool raw_json(std::string_view bytes, int depth, Value& out);
  bool enveloped(std::string_view bytes, int depth, Value& out);
  bool text(std::string_view bytes, Value& out);
  void unwrap_one_of(const TypeInfo& type, Value& value);

  Arena& arena_;
};

bool Decoder::text(std::string_view bytes, Value& out) {
  if (!is_valid_utf8(bytes)) return false;
  out = Value::string(arena_, bytes);
  return true;
}

bool Decoder::number(std::uint64_t raw, const FieldInfo& info, Value& out) {
  switch (info.form) {
    case Form::kBool:
      out = Value::boolean(raw != 0);
      return true;
    case Form::kInt32:
      out = Value::integer(static_cast<std::int32_t>(raw));
      return true;
    case Form::kUint32:
      out = Value::integer(static_cast<std::uint32_t>(raw));
      return true;
    case Form::kInt64:
    case Form::kUint64:
      out = Value::integer(static_cast<std::int64_t>(raw));
      return true;
    case Form::kDouble:
      out = Value::number(std::bit_cast<double>(raw));
      return true;
    default:
      return false;
  }
}

bool Decoder::time(std::string_view bytes, Form form, Value& out) {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  Reader reader(bytes);
  wire::Field field;
  while (!reader.at_end()) {
    if (!reader.next(field)) return false;
    if (field.type != WireType::kVarint) continue;
    if (field.number == 1) seconds = static_cast<std::int64_t>(field.number_value);
    if (field.number == 2) nanos = static_cast<std::int32_t>(field.number_value);
  }
  if (bytes.empty() || (seconds == kGoZeroTime && nanos == 0)) {
    out = Value::null();
    return true;
  }
  // What a WallTime can hold: the years 1678 to 2261.
  if (seconds < -9'214'646'400 || seconds > 9'214'646'400 || nanos < 0 || nanos > 999'999'999) {
    return false;
  }
  const WallTime moment{std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanos)};
  out = Value::string(arena_, form == Form::kTime ? rfc3339(moment) : rfc3339_micro(moment));
  return true;
}

bool Decoder::int_or_string(std::string_view bytes, Value& out) {
  bool is_string = false;
  std::int32_t whole = 0;
  std::string_view chars;
  Reader reader(bytes);
  wire::Field field;
  while (!reader.at_end()) {
    if (!reader.next(field)) return false;
    if (field.number == 1 && field.type == WireType::kVarint) is_string = field.number_value == 1;
    if (field.number == 2 && field.type == WireType::kVarint) {
      whole = static_cast<std::int32_t>(field.number_value);
    }
    if (field.number == 3 && field.type == WireType::kBytes) chars = field.bytes;
  }
  if (is_string) return text(chars, out);
  out = Value::integer(whole);
  return true;
}

// The one text or number of a message with a single field.
bool single_field(std::string_view bytes, wire::Field& found) {
  Reader reader(bytes);
  wire::Field field;
  while (!reader.at_end()) {
    if (!reader.next(field)) return false;
    if (field.number == 1) found = field;
  }
  return true;
}

bool Decoder::raw_json(std::string_view bytes, int depth, Value& out) {
  wire::Field raw;
  if (!single_field(bytes, raw)) return false;
  if (raw.bytes.empty()) {
    out = Value::null();
    return true;
  }
  if (raw.bytes.starts_with(kProtobufMagic)) return enveloped(raw.bytes, depth + 1, out);
  auto parsed = parse_json(arena_, raw.bytes);
  if (!parsed) return false;
  out = *parsed;
  return true;
}

bool Decoder::special(std::string_view bytes, const FieldInfo& info, int depth, Value& out) {
  wire::Field inner;
  switch (info.form) {
    case Form::kString:
      return text(bytes, out);
    case Form::kBytes:
      out = Value::string(arena_, base64_encode(bytes));
      return true;
    case Form::kTime:
    case Form::kMicroTime:
      return time(bytes, info.form, out);
    case Form::kIntOrString:
      return int_or_string(bytes, out);
    case Form::kRawObject:
    case Form::kAnyJson:
      return raw_json(bytes, depth, out);
    case Form::kQuantity:
      if (!single_field(bytes, inner)) return false;
      return text(inner.bytes.empty() ? "0" : inner.bytes, out);
    case Form::kDuration:
      if (!single_field(bytes, inner)) return false;
      out = Value::string(arena_,
                          format_duration(Duration(static_cast<std::int64_t>(inner.number_value))));
      return true;
    case Form::kObject:
      return message(bytes, *info.type, depth + 1, out);
    default:
      return false;
  }
}

bool Decoder::element(const wire::Field& field, const FieldInfo& info, int depth, Value& out) {
  if (field.type == WireType::kBytes) return special(field.bytes, info, depth, out);
  if ((info.form == Form::kDouble) != (field.type == WireType::kFixed64)) return false;
  return number(field.number_value, info, out);
}

bool Decoder::map_entry(std::string_view bytes, const FieldInfo& info, int depth, Value& map) {
  std::string_view key;
  wire::Field value_field;
  value_field.type = WireType::kBytes;
  Reader reader(bytes);
  wire::Field field;
  while (!reader.at_end()) {
    if (!reader.next(field)) return false;
    if (field.number == 1 && field.type == WireType::kBytes) key = field.bytes;
    if (field.number == 2) value_field = field;
  }
  if (!is_valid_utf8(key)) return false;
  Value value;
  if (!element(value_field, info, depth, value)) return false;
  map.add_ref(arena_, arena_.copy(key), value);
  return true;
}

// Of entries with the same key the last one counts. They are found once a message is complete: a
// look for each entry would be quadratic.
void settle_maps(Value& object, const TypeInfo& type) {
  for (const FieldInfo& info : type.fields) {
    if (info.is_inline) settle_maps(object, *info.type);
    if (info.container != Container::kMap) continue;
    Value* map = object.find(info.name);
    if (map == nullptr) continue;
    std::ranges::stable_sort(map->members(), {}, &Member::key);
    const std::span<Member> members = map->members();
    for (std::size_t i = members.size(); i-- > 1;) {
      if (members[i - 1].key == members[i].key) members[i - 1].value = members[i].value;
    }
    map->keep_first(static_cast<std::size_t>(
        std::ranges::unique(members, {}, &Member::key).begin() - members.begin()));
  }
}

// Lists of numbers may come in one piece.
bool Decoder::packed(std::string_view bytes, const FieldInfo& info, Value& list) {
  Reader reader(bytes);
  while (!reader.at_end()) {
    std::uint64_t raw = 0;
    Value value;
    if (!reader.varint(raw) || !number(raw, info, value)) return false;
    list.append(arena_, value);
  }
  return true;
}

bool is_varint_form(Form form) {
  return form == Form::kBool || form == Form::kInt32 || form == Form::kInt64 ||
         form == Form::kUint32 || form == Form::kUint64;
}

bool Decoder::member(const wire::Field& field, const FieldInfo& info, int depth, Value& object) {
  if (info.is_inline) {
    return field.type == WireType::kBytes && members(field.bytes, *info.type, depth + 1, object);
  }
  if (info.container == Container::kOne) {
    Value value;
    if (!element(field, info, depth, value)) return false;
    object.set_ref(arena_, info.name, value);
    return true;
  }
  Value* holder = object.find(info.name);
  if (holder == nullptr) {
    holder = &object.add_ref(arena_, info.name,
                             info.container == Container::kList ? Value::array() : Value::object());
  }
  if (info.container == Container::kMap) {
    return field.type == WireType::kBytes && map_entry(field.bytes, info, depth, *holder);
  }
  if (field.type == WireType::kBytes && is_varint_form(info.form)) {
    return packed(field.bytes, info, *holder);
  }
  Value value;
  if (!element(field, info, depth, value)) return false;
  holder->append(arena_, value);
  return true;
}

bool Decoder::members(std::string_view bytes, const TypeInfo& type, int depth, Value& object) {
  if (depth > kMaxDepth) return false;
  Reader reader(bytes);
  wire::Field field;
  while (!reader.at_end()) {
    if (!reader.next(field)) return false;
    const FieldInfo* info = field_by_number(type, field.number);
    if (info != nullptr && !member(field, *info, depth, object)) return false;
  }
  return true;
}

// JSON has only the member that is set: the object or list, else the bool.
void Decoder::unwrap_one_of(const TypeInfo& type, Value& value) {
  Value chosen;
  for (const FieldInfo& info : type.fields) {
    const Value* found = value.find(info.name);
    if (found != nullptr && (chosen.is_null() || !found->is_bool())) chosen = *found;
  }
  value = chosen;
}

bool Decoder::message(std::string_view bytes, const TypeInfo& type, int depth, Value& out) {
  out = Value::object();
  if (!members(bytes, type, depth, out)) return false;
  settle_maps(out, type);
  if (type.form == TypeForm::kOneOf) unwrap_one_of(type, out);
  if (type.form == TypeForm::kWrapperList) {
    const Value* list = out.find(type.fields[0].name);
    out = list != nullptr ? *list : Value::array();
  }
  return true;
}

// An object inside a RawExtension, which says itself what it is.
bool Decoder::enveloped(std::string_view bytes, int depth, Value& out) {
  auto envelope = read_protobuf_envelope(bytes);
  if (!envelope || depth > kMaxDepth) return false;
  const auto slash = envelope->api_version.find('/');
  const bool is_core = slash == std::string_view::npos;
  const auto group = is_core ? std::string_view{} : envelope->api_version.substr(0, slash);
  const auto version = is_core ? envelope->api_version : envelope->api_version.substr(slash + 1);
  const TypeInfo* type = builtin_schema().find_type(group, version, envelope->kind);
  return type != nullptr && object(*envelope, *type, depth, out);
}

bool Decoder::object(const ProtobufEnvelope& envelope, const TypeInfo& type, int depth,
                     Value& out) {
  Value body;
  if (!message(envelope.message, type, depth, body) || !body.is_object()) return false;
  Value version;
  if (!text(envelope.api_version, version)) return false;
  out = Value::object();
  if (!envelope.kind.empty()) out.add_ref(arena_, "kind", Value::string_ref(type.name));
  if (!envelope.api_version.empty()) out.add_ref(arena_, "apiVersion", version);
  for (const Member& entry : body.members()) out.add_ref(arena_, entry.key, entry.value);
  return true;
}

Unexpected broken(std::string_view what) {
  return errors::bad_request("the protobuf bytes are not a valid " + std::string(what));
}

}  // namespace

Result<ProtobufEnvelope> read_protobuf_envelope(std::string_view bytes) {
  if (!bytes.starts_with(kProtobufMagic)) {
    return errors::bad_request(
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  ProtobufEnvelope envelope;
  Reader reader(bytes.substr(kProtobufMagic.size()));
  wire::Field field;
  while (!reader.at_end()) {
    if (!reader.next(field)) return broken("envelope");
    if (field.type != WireType::kBytes) continue;
    if (field.number == 2) envelope.message = field.bytes;
    if (field.number == 3) envelope.content_encoding = field.bytes;
    if (field.number == 4) envelope.content_type = field.bytes;
    if (field.number != 1) continue;
    Reader type_reader(field.bytes);
    wire::Field part;
    while (!type_reader.at_end()) {
      if (!type_reader.next(part)) return broken("envelope");
      if (part.number == 1) envelope.api_version = part.bytes;
      if (part.number == 2) envelope.kind = part.bytes;
    }
  }
  return envelope;
}

Result<Value> decode_protobuf(Arena& arena, std::string_view bytes, const TypeInfo& type) {
  Value value;
  if (!Decoder(arena).message(bytes, type, 0, value)) return broken(type.name);
  return value;
}

Result<Value> decode_protobuf_object(Arena& arena, std::string_view bytes, const TypeInfo& type) {
  auto envelope = read_protobuf_envelope(bytes);
  if (!envelope) return std::unexpected(std::move(envelope.error()));
  if (!envelope->kind.empty() && envelope->kind != type.name) {
    const std::string kind(envelope->kind);
    const std::string version(envelope->api_version);
    if (!is_valid_utf8(kind) || !is_valid_utf8(version)) return broken("envelope");
    return errors::bad_request(kind + " in version \"" + version + "\" cannot be handled as a " +
                               std::string(type.name));
  }
  Value value;
  if (!Decoder(arena).object(*envelope, type, 0, value)) return broken(type.name);
  return value;
}

}  // namespace pinnace::api
