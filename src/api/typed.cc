#include "api/typed.h"

#include <limits>

#include "api/json.h"
#include "api/typed_codec.h"
#include "base/strings.h"

namespace pinnace::api::detail {
namespace {

Unexpected wrong_type(const FieldInfo& field, std::string_view wanted) {
  return errors::bad_request(std::string(field.name) + ": expected " + std::string(wanted));
}

// Puts the parent's name before the path in the message.
Error below(Error error, std::string_view name) {
  error.message = std::string(name) + "." + error.message;
  return error;
}

template <typename Int>
Result<void> decode_int(const FieldInfo& field, const Value& from, void* to) {
  if (!from.is_int() || !std::in_range<Int>(from.as_int())) return wrong_type(field, "an integer");
  *static_cast<Int*>(to) = static_cast<Int>(from.as_int());
  return {};
}

Result<void> decode_time(const FieldInfo& field, const Value& from, void* to) {
  if (!from.is_string() || !parse_rfc3339(from.as_string(), static_cast<Time*>(to)->value)) {
    return wrong_type(field, "a time as of RFC 3339");
  }
  return {};
}

Result<void> decode_quantity(const FieldInfo& field, const Value& from, void* to) {
  if (!from.is_string() && !from.is_number()) return wrong_type(field, "a quantity");
  auto quantity =
      Quantity::parse(from.is_string() ? std::string(from.as_string()) : to_json_text(from));
  if (!quantity) return std::unexpected(below(std::move(quantity.error()), field.name));
  *static_cast<Quantity*>(to) = *quantity;
  return {};
}

Result<void> decode_int_or_string(const FieldInfo& field, const Value& from, void* to) {
  auto& value = *static_cast<IntOrString*>(to);
  if (from.is_string()) {
    value = IntOrString::from_string(from.as_string());
  } else if (from.is_int() && std::in_range<std::int32_t>(from.as_int())) {
    value = IntOrString(static_cast<std::int32_t>(from.as_int()));
  } else {
    return wrong_type(field, "an integer or a string");
  }
  return {};
}

Result<void> decode_text(const FieldInfo& field, const Value& from, void* to) {
  if (!from.is_string()) return wrong_type(field, "a string");
  auto& text = *static_cast<std::string*>(to);
  if (field.form == Form::kString) {
    text = from.as_string();
    return {};
  }
  auto bytes = base64_decode(from.as_string());
  if (!bytes) return wrong_type(field, "base64");
  text = std::move(*bytes);
  return {};
}

Result<void> decode_element(const FieldCodec& codec, const Value& from, void* to) {
  const FieldInfo& field = *codec.info;
  switch (field.form) {
    case Form::kString:
    case Form::kBytes:
      return decode_text(field, from, to);
    case Form::kBool:
      if (!from.is_bool()) return wrong_type(field, "true or false");
      *static_cast<bool*>(to) = from.as_bool();
      return {};
    case Form::kInt32:
      return decode_int<std::int32_t>(field, from, to);
    case Form::kInt64:
      return decode_int<std::int64_t>(field, from, to);
    case Form::kUint32:
      return decode_int<std::uint32_t>(field, from, to);
    case Form::kUint64:
      return decode_int<std::uint64_t>(field, from, to);
    case Form::kDouble:
      if (!from.is_number()) return wrong_type(field, "a number");
      *static_cast<double*>(to) = from.as_double();
      return {};
    case Form::kTime:
    case Form::kMicroTime:
      return decode_time(field, from, to);
    case Form::kDuration: {
      auto duration = from.is_string() ? parse_duration(from.as_string()) : std::nullopt;
      if (!duration) return wrong_type(field, "a duration");
      *static_cast<Duration*>(to) = *duration;
      return {};
    }
    case Form::kQuantity:
      return decode_quantity(field, from, to);
    case Form::kIntOrString:
      return decode_int_or_string(field, from, to);
    case Form::kRawObject:
    case Form::kAnyJson:
      *static_cast<std::string*>(to) = to_json_text(from);
      return {};
    case Form::kObject:
      break;
  }
  auto done = decode_struct(codec.nested(), from, to);
  if (!done) return std::unexpected(below(std::move(done.error()), field.name));
  return {};
}

Result<void> decode_field(const FieldCodec& codec, const Value& from, void* member) {
  switch (codec.holder) {
    case Holder::kPlain:
      return decode_element(codec, from, member);
    case Holder::kOptional:
      return decode_element(codec, from, codec.ops->add(member, {}));
    case Holder::kList:
      if (!from.is_array()) return wrong_type(*codec.info, "a list");
      for (const Value& item : from.items()) {
        void* element = codec.ops->add(member, {});
        if (item.is_null()) continue;
        if (auto done = decode_element(codec, item, element); !done) return done;
      }
      return {};
    case Holder::kMap:
      if (!from.is_object()) return wrong_type(*codec.info, "an object");
      for (const Member& entry : from.members()) {
        void* element = codec.ops->add(member, entry.key);
        if (entry.value.is_null()) continue;
        if (auto done = decode_element(codec, entry.value, element); !done) return done;
      }
      return {};
  }
  return {};
}

// The fields of an object mostly come in the order of the struct: the search goes on from where
// the last one was found.
const FieldCodec* find_field(std::span<const FieldCodec> fields, std::string_view name,
                             std::size_t& hint) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t at = hint + i < fields.size() ? hint + i : hint + i - fields.size();
    if (fields[at].info->name == name) {
      hint = at + 1 < fields.size() ? at + 1 : 0;
      return &fields[at];
    }
  }
  return nullptr;
}

std::string_view time_text(Arena& arena, Form form, const Time& time) {
  return arena.copy(form == Form::kTime ? rfc3339(time.value) : rfc3339_micro(time.value));
}

Value encode_raw(Arena& arena, const std::string& json) {
  if (json.empty()) return Value::null();
  auto value = parse_json(arena, json);
  return value ? *value : Value::null();
}

Value encode_element(const FieldCodec& codec, Arena& arena, const void* from) {
  switch (codec.info->form) {
    case Form::kString:
      return Value::string_ref(*static_cast<const std::string*>(from));
    case Form::kBytes:
      return Value::string(arena, base64_encode(*static_cast<const std::string*>(from)));
    case Form::kBool:
      return Value::boolean(*static_cast<const bool*>(from));
    case Form::kInt32:
      return Value::integer(*static_cast<const std::int32_t*>(from));
    case Form::kInt64:
      return Value::integer(*static_cast<const std::int64_t*>(from));
    case Form::kUint32:
      return Value::integer(*static_cast<const std::uint32_t*>(from));
    case Form::kUint64:
      return Value::integer(static_cast<std::int64_t>(*static_cast<const std::uint64_t*>(from)));
    case Form::kDouble:
      return Value::number(*static_cast<const double*>(from));
    case Form::kTime:
    case Form::kMicroTime: {
      const auto& time = *static_cast<const Time*>(from);
      if (time.is_zero()) return Value::null();
      return Value::string_ref(time_text(arena, codec.info->form, time));
    }
    case Form::kDuration:
      return Value::string(arena, format_duration(*static_cast<const Duration*>(from)));
    case Form::kQuantity:
      return Value::string(arena, static_cast<const Quantity*>(from)->format());
    case Form::kIntOrString: {
      const auto& value = *static_cast<const IntOrString*>(from);
      return value.is_string ? Value::string_ref(value.string_value)
                             : Value::integer(value.int_value);
    }
    case Form::kRawObject:
    case Form::kAnyJson:
      return encode_raw(arena, *static_cast<const std::string*>(from));
    case Form::kObject:
      return encode_struct(codec.nested(), arena, from);
  }
  return Value::null();
}

struct Filling {
  const FieldCodec& codec;
  Arena& arena;
  Value value;
};

Value encode_held(const FieldCodec& codec, Arena& arena, const void* member) {
  Filling filling{codec, arena, {}};
  if (codec.holder == Holder::kList) filling.value = Value::array();
  if (codec.holder == Holder::kMap) filling.value = Value::object();
  codec.ops->each(member, &filling, [](void* context, std::string_view key, const void* element) {
    auto& to = *static_cast<Filling*>(context);
    Value value = encode_element(to.codec, to.arena, element);
    if (to.codec.holder == Holder::kList) {
      to.value.append(to.arena, value);
    } else if (to.codec.holder == Holder::kMap) {
      to.value.add_ref(to.arena, key, value);
    } else {
      to.value = value;
    }
  });
  return filling.value;
}

// Unset as Go's omitempty sees it: zero numbers, "", false, null.
bool is_zero(const Value& value) {
  switch (value.type()) {
    case Value::Type::kNull:
      return true;
    case Value::Type::kBool:
      return !value.as_bool();
    case Value::Type::kInt:
    case Value::Type::kDouble:
      return value.as_double() == 0;
    case Value::Type::kString:
      return value.as_string().empty();
    default:
      return false;
  }
}

void encode_field(const FieldCodec& codec, Arena& arena, const void* member, Value& object) {
  const FieldInfo& field = *codec.info;
  if (codec.holder == Holder::kPlain) {
    const Value value = encode_element(codec, arena, member);
    if ((field.omit_empty && is_zero(value)) || value.is_null()) return;
    object.add_ref(arena, field.name, value);
    return;
  }
  if (codec.ops->size(member) == 0) {
    if (codec.holder == Holder::kList && !field.omit_empty) {
      object.add_ref(arena, field.name, Value::array());
    }
    return;
  }
  object.add_ref(arena, field.name, encode_held(codec, arena, member));
}

}  // namespace

Result<void> decode_struct(const StructCodec& codec, const Value& from, void* to) {
  auto* base = static_cast<std::byte*>(to);
  if (codec.type->form == TypeForm::kWrapperList) {
    return decode_field(codec.fields[0], from, base + codec.fields[0].offset);
  }
  if (!from.is_object()) {
    return errors::bad_request(std::string(codec.type->name) + ": expected an object");
  }
  std::size_t hint = 0;
  for (const Member& member : from.members()) {
    if (member.value.is_null()) continue;
    const FieldCodec* field = find_field(codec.fields, member.key, hint);
    if (field == nullptr) continue;
    if (auto done = decode_field(*field, member.value, base + field->offset); !done) return done;
  }
  return {};
}

Value encode_struct(const StructCodec& codec, Arena& arena, const void* from) {
  const auto* base = static_cast<const std::byte*>(from);
  const TypeInfo& type = *codec.type;
  if (type.form == TypeForm::kWrapperList) {
    return encode_held(codec.fields[0], arena, base + codec.fields[0].offset);
  }
  Value object = Value::object();
  if (type.is_kind) {
    object.add_ref(arena, "kind", Value::string_ref(type.name));
    const std::string group(type.group == "meta.k8s.io" ? "" : type.group);
    object.add_ref(arena, "apiVersion",
                   Value::string(arena, group.empty() ? std::string(type.version)
                                                      : group + "/" + std::string(type.version)));
  }
  for (const FieldCodec& field : codec.fields) {
    encode_field(field, arena, base + field.offset, object);
  }
  return object;
}

Result<void> struct_from_json(const StructCodec& codec, std::string_view text, void* to) {
  Arena arena(text.size() * 2 + 1024);
  auto value = parse_json(arena, text);
  if (!value) return std::unexpected(std::move(value.error()));
  return decode_struct(codec, *value, to);
}

std::string struct_to_json(const StructCodec& codec, const void* from) {
  Arena arena;
  return to_json_text(encode_struct(codec, arena, from));
}

}  // namespace pinnace::api::detail
