#include <algorithm>
#include <functional>
#include <ranges>
#include <string>
#include <vector>

#include "api/json.h"
#include "api/protobuf.h"
#include "api/protobuf_wire.h"
#include "api/quantity.h"
#include "api/time.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

using wire::Writer;

constexpr std::uint32_t kMapKey = 1;
constexpr std::uint32_t kMapValue = 2;

void write_message(Writer& writer, const Value& value, const TypeInfo& type);

bool is_present(const Value* value) { return value != nullptr && !value->is_null(); }

std::int64_t int_of(const Value& value) { return value.is_int() ? value.as_int() : 0; }

std::string_view text_of(const Value& value) {
  return value.is_string() ? value.as_string() : std::string_view{};
}

void write_time(Writer& writer, const Value& value) {
  WallTime moment;
  if (!value.is_string() || !parse_rfc3339(value.as_string(), moment)) return;
  const auto nanos = moment.time_since_epoch().count();
  std::int64_t seconds = nanos / 1'000'000'000;
  std::int64_t rest = nanos % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --seconds;
  }
  writer.varint_field(2, static_cast<std::uint64_t>(rest));
  writer.varint_field(1, static_cast<std::uint64_t>(seconds));
}

// The inside of the messages that stand for special forms.
void write_special(Writer& writer, const Value& value, Form form) {
  switch (form) {
    case Form::kTime:
    case Form::kMicroTime:
      write_time(writer, value);
      return;
    case Form::kDuration: {
      const auto duration = parse_duration(text_of(value)).value_or(Duration{0});
      writer.varint_field(1, static_cast<std::uint64_t>(duration.count()));
      return;
    }
    case Form::kQuantity:
      writer.text_field(1, value.is_string() ? value.as_string() : "0");
      return;
    case Form::kIntOrString:
      writer.text_field(3, text_of(value));
      writer.varint_field(2, static_cast<std::uint64_t>(int_of(value)));
      writer.varint_field(1, value.is_string() ? 1 : 0);
      return;
    case Form::kRawObject:
    case Form::kAnyJson:
      if (!value.is_null()) writer.text_field(1, to_json_text(value));
      return;
    default:
      return;
  }
}

// One value under a number; null stands for the zero value.
void write_element(Writer& writer, std::uint32_t number, const Value& value,
                   const FieldInfo& info) {
  switch (info.form) {
    case Form::kString:
      writer.text_field(number, text_of(value));
      return;
    case Form::kBytes:
      writer.text_field(number, base64_decode(text_of(value)).value_or(""));
      return;
    case Form::kBool:
      writer.varint_field(number, value.is_bool() && value.as_bool() ? 1 : 0);
      return;
    case Form::kInt32:
    case Form::kInt64:
    case Form::kUint32:
    case Form::kUint64:
      writer.varint_field(number, static_cast<std::uint64_t>(int_of(value)));
      return;
    case Form::kDouble:
      writer.double_field(number, value.is_number() ? value.as_double() : 0);
      return;
    default:
      break;
  }
  const std::size_t mark = writer.size();
  if (info.form == Form::kObject) {
    write_message(writer, value, *info.type);
  } else {
    write_special(writer, value, info.form);
  }
  writer.close(number, mark);
}

void write_list(Writer& writer, const Value& list, const FieldInfo& info) {
  if (!list.is_array()) return;
  for (const Value& item : std::views::reverse(list.items())) {
    write_element(writer, info.proto_number, item, info);
  }
}

void write_map(Writer& writer, const Value& map, const FieldInfo& info) {
  if (!map.is_object()) return;
  std::vector<const Member*> sorted;
  sorted.reserve(map.size());
  for (const Member& member : map.members()) sorted.push_back(&member);
  std::ranges::sort(sorted, std::greater<>(), [](const Member* member) { return member->key; });
  for (const Member* member : sorted) {
    const std::size_t mark = writer.size();
    write_element(writer, kMapValue, member->value, info);
    writer.text_field(kMapKey, member->key);
    writer.close(info.proto_number, mark);
  }
}

// Without a value there is no message either, as there is for objects.
bool is_list_in_message(const FieldInfo& info) {
  return info.form == Form::kObject && info.type->form == TypeForm::kWrapperList;
}

void write_field(Writer& writer, const Value& object, const FieldInfo& info) {
  if (info.is_inline) {
    const std::size_t mark = writer.size();
    write_message(writer, object, *info.type);
    writer.close(info.proto_number, mark);
    return;
  }
  const Value* value = object.find(info.name);
  if (info.container == Container::kList) {
    if (value != nullptr) write_list(writer, *value, info);
  } else if (info.container == Container::kMap) {
    if (value != nullptr) write_map(writer, *value, info);
  } else if (is_present(value)) {
    write_element(writer, info.proto_number, *value, info);
  } else if (!info.is_pointer && info.form != Form::kBytes && !is_list_in_message(info)) {
    write_element(writer, info.proto_number, Value::null(), info);
  }
}

// JSON has one of the members; the bool beside an object is true.
void write_one_of(Writer& writer, const Value& value, const TypeInfo& type) {
  for (const std::uint8_t index : std::views::reverse(type.proto_order)) {
    const FieldInfo& info = type.fields[index];
    if (info.form == Form::kBool) {
      const bool allows = value.is_bool() ? value.as_bool() : value.is_object();
      writer.varint_field(info.proto_number, allows ? 1 : 0);
    } else if (info.container == Container::kList) {
      if (value.is_array()) write_list(writer, value, info);
    } else if (value.is_object()) {
      write_element(writer, info.proto_number, value, info);
    }
  }
}

void write_message(Writer& writer, const Value& value, const TypeInfo& type) {
  if (type.form == TypeForm::kOneOf) return write_one_of(writer, value, type);
  if (type.form == TypeForm::kWrapperList) return write_list(writer, value, type.fields[0]);
  for (const std::uint8_t index : std::views::reverse(type.proto_order)) {
    write_field(writer, value, type.fields[index]);
  }
}

}  // namespace

void encode_protobuf(std::string& out, const Value& value, const TypeInfo& type) {
  Writer writer(out);
  write_message(writer, value, type);
  writer.finish();
}

std::string protobuf_field_head(std::uint32_t number, std::size_t bytes) {
  std::string out;
  Writer writer(out);
  writer.varint(bytes);
  writer.tag(number, wire::WireType::kBytes);
  writer.finish();
  return out;
}

std::string protobuf_envelope_head(std::string_view api_version, std::string_view kind,
                                   std::size_t message_bytes) {
  std::string out;
  Writer writer(out);
  writer.varint(message_bytes);
  writer.tag(2, wire::WireType::kBytes);
  const std::size_t mark = writer.size();
  writer.text_field(2, kind);
  writer.text_field(1, api_version);
  writer.close(1, mark);
  writer.bytes(kProtobufMagic);
  writer.finish();
  return out;
}

bool has_protobuf(const TypeInfo& type) { return type.fields.empty() || !type.proto_order.empty(); }

void encode_protobuf_object(std::string& out, const Value& value, const TypeInfo& type) {
  std::string message;
  encode_protobuf(message, value, type);
  out += protobuf_envelope_head(value.string_at("apiVersion"), value.string_at("kind"),
                                message.size());
  out += message;
  out += kProtobufEnvelopeTail;
}

std::string encode_protobuf_watch_event(std::string_view event_type, std::string_view object) {
  std::string out;
  Writer writer(out);
  const std::size_t mark = writer.size();
  writer.text_field(1, object);
  writer.close(2, mark);
  writer.text_field(1, event_type);
  writer.finish();
  return out;
}

}  // namespace pinnace::api
