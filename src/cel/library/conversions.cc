// int(), uint(), double(), string(), bytes(), bool(), duration(), timestamp(), type() and dyn().
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "base/strings.h"
#include "cel/internal/functions.h"
#include "cel/internal/text_of.h"
#include "cel/internal/time_text.h"

namespace pinnace::cel::internal {
namespace {

Value same(const Call& call) { return call[0]; }

Value integer_overflow() { return Value::error("integer overflow"); }
Value uint_overflow() { return Value::error("unsigned integer overflow"); }

// What a text that is none of the type's gives.
Value not_convertible(const Call& call, const Type& type) {
  return call.error(fmt::format("type conversion error from 'string' to '{}'", runtime_name(type)));
}

// A number in decimal, with a sign if `T` has one.
template <typename T>
Value parse_whole(const Call& call, const Type& type, Value (*make)(T)) {
  std::string_view text = call.text(0);
  if (text.starts_with('+') && std::is_signed_v<T> && !text.starts_with("+-")) {
    text.remove_prefix(1);
  }
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? make(number) : not_convertible(call, type);
}

Value uint_to_int(const Call& call) {
  if (call[0].as_uint() > INT64_MAX) return integer_overflow();
  return Value::integer(static_cast<std::int64_t>(call[0].as_uint()));
}
Value double_to_int(const Call& call) {
  const double number = call[0].as_double();
  if (!(number > -0x1p63 && number < 0x1p63)) return integer_overflow();
  return Value::integer(static_cast<std::int64_t>(number));
}
Value text_to_int(const Call& call) { return parse_whole(call, kIntType, Value::integer); }
Value timestamp_to_int(const Call& call) { return Value::integer(call[0].as_seconds()); }
Value duration_to_int(const Call& call) { return Value::integer(call[0].as_duration()); }

Value int_to_uint(const Call& call) {
  if (call.integer(0) < 0) return uint_overflow();
  return Value::uint(static_cast<std::uint64_t>(call.integer(0)));
}
Value double_to_uint(const Call& call) {
  const double number = call[0].as_double();
  if (!(number >= 0 && number < 0x1p64)) return uint_overflow();
  return Value::uint(static_cast<std::uint64_t>(number));
}
Value text_to_uint(const Call& call) { return parse_whole(call, kUintType, Value::uint); }

Value int_to_double(const Call& call) {
  return Value::number(static_cast<double>(call.integer(0)));
}
Value uint_to_double(const Call& call) {
  return Value::number(static_cast<double>(call[0].as_uint()));
}
Value text_to_double(const Call& call) {
  std::string_view text = call.text(0);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? Value::number(number) : not_convertible(call, kDoubleType);
}

Value text_to_bool(const Call& call) {
  const std::string_view text = call.text(0);
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return Value::boolean(true);
  }
  for (const char* no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return Value::boolean(false);
  }
  return not_convertible(call, kBoolType);
}

Value text_to_bytes(const Call& call) { return Value::bytes(call.text(0)); }
Value bytes_to_text(const Call& call) {
  if (!is_valid_utf8(call.text(0))) {
    return Value::error("invalid UTF-8 in bytes, cannot convert to string");
  }
  return Value::string(call.text(0));
}
Value to_string(const Call& call) { return call.string(text_of(call[0])); }

Value text_to_duration(const Call& call) {
  const Value duration = parse_duration_text(call.space, call.text(0));
  return duration.is_error() ? not_convertible(call, kDurationType) : duration;
}
Value text_to_timestamp(const Call& call) {
  const Value moment = parse_timestamp(call.space, call.text(0));
  const bool is_date = call.text(0).size() <= std::string_view("2006-01-02").size();
  const bool overflows = moment.is_error() && moment.error_message() == kTimestampOverflow;
  return (moment.is_error() && !overflows) || is_date ? not_convertible(call, kTimestampType)
                                                      : moment;
}
Value int_to_timestamp(const Call& call) {
  if (call.integer(0) < kMinSeconds || call.integer(0) > kMaxSeconds) {
    return Value::error("timestamp overflow");
  }
  return Value::timestamp(call.integer(0), 0);
}

Value type_of(const Call& call) { return Value::type(call[0].runtime_type()); }

constexpr Declaration kDeclarations[] = {
    {"int", "int64_to_int64", "(int) -> int", same},
    {"int", "double_to_int64", "(double) -> int", double_to_int},
    {"int", "duration_to_int64", "(duration) -> int", duration_to_int},
    {"int", "string_to_int64", "(string) -> int", text_to_int},
    {"int", "timestamp_to_int64", "(timestamp) -> int", timestamp_to_int},
    {"int", "uint64_to_int64", "(uint) -> int", uint_to_int},
    {"uint", "uint64_to_uint64", "(uint) -> uint", same},
    {"uint", "double_to_uint64", "(double) -> uint", double_to_uint},
    {"uint", "int64_to_uint64", "(int) -> uint", int_to_uint},
    {"uint", "string_to_uint64", "(string) -> uint", text_to_uint},
    {"double", "double_to_double", "(double) -> double", same},
    {"double", "int64_to_double", "(int) -> double", int_to_double},
    {"double", "string_to_double", "(string) -> double", text_to_double},
    {"double", "uint64_to_double", "(uint) -> double", uint_to_double},
    {"bool", "bool_to_bool", "(bool) -> bool", same},
    {"bool", "string_to_bool", "(string) -> bool", text_to_bool},
    {"bytes", "bytes_to_bytes", "(bytes) -> bytes", same},
    {"bytes", "string_to_bytes", "(string) -> bytes", text_to_bytes},
    {"string", "string_to_string", "(string) -> string", same},
    {"string", "bool_to_string", "(bool) -> string", to_string},
    {"string", "bytes_to_string", "(bytes) -> string", bytes_to_text},
    {"string", "double_to_string", "(double) -> string", to_string},
    {"string", "duration_to_string", "(duration) -> string", to_string},
    {"string", "int64_to_string", "(int) -> string", to_string},
    {"string", "timestamp_to_string", "(timestamp) -> string", to_string},
    {"string", "uint64_to_string", "(uint) -> string", to_string},
    {"duration", "duration_to_duration", "(duration) -> duration", same},
    {"duration", "string_to_duration", "(string) -> duration", text_to_duration},
    {"timestamp", "timestamp_to_timestamp", "(timestamp) -> timestamp", same},
    {"timestamp", "string_to_timestamp", "(string) -> timestamp", text_to_timestamp},
    {"timestamp", "int64_to_timestamp", "(int) -> timestamp", int_to_timestamp},
    {"type", "type", "(A) -> type(A)", type_of},
    {"dyn", "to_dyn", "(A) -> dyn", same},
};

}  // namespace

std::span<const Declaration> conversion_declarations() { return kDeclarations; }

}  // namespace pinnace::cel::internal
