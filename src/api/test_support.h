// For tests: objects that have a value in every field of their type.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "api/schema.h"
#include "api/value.h"

namespace pinnace::api {

class Filler {
 public:
  explicit Filler(Arena& arena) : arena_(arena) {}

  // No two numbers or texts in it are the same. Types that contain themselves end after one round.
  Value object(const TypeInfo& type) {
    open_.push_back(&type);
    Value result = Value::object();
    fill_members(type, result);
    open_.pop_back();
    return result;
  }

 private:
  void fill_members(const TypeInfo& type, Value& result) {
    for (const FieldInfo& info : type.fields) {
      if (info.is_inline) {
        fill_members(*info.type, result);
      } else if (!is_open(info)) {
        result.add_ref(arena_, info.name, field(info));
      }
    }
  }

  bool is_open(const FieldInfo& info) const {
    return info.type != nullptr && std::ranges::find(open_, info.type) != open_.end();
  }

  Value field(const FieldInfo& info) {
    switch (info.container) {
      case Container::kList: {
        Value list = Value::array();
        list.append(arena_, element(info));
        list.append(arena_, element(info));
        return list;
      }
      case Container::kMap: {
        Value map = Value::object();
        map.set(arena_, "key" + next(), element(info));
        map.set(arena_, "key" + next(), element(info));
        return map;
      }
      case Container::kOne:
        break;
    }
    return element(info);
  }

  Value element(const FieldInfo& info) {
    switch (info.form) {
      case Form::kString:
        return info.enum_values.empty() ? text("text-" + next())
                                        : Value::string_ref(info.enum_values[0]);
      case Form::kBool:
        return Value::boolean(true);
      case Form::kInt32:
      case Form::kInt64:
      case Form::kUint32:
      case Form::kUint64:
        return Value::integer(++count_);
      case Form::kDouble:
        return Value::number(static_cast<double>(++count_) + 0.5);
      case Form::kBytes:
        return Value::string_ref("AAEC/w==");
      case Form::kTime:
        return Value::string_ref("2026-11-26T10:20:30Z");
      case Form::kMicroTime:
        return Value::string_ref("2026-11-26T10:20:30.123456Z");
      case Form::kDuration:
        return Value::string_ref("1h2m3.5s");
      case Form::kQuantity:
        return text(next() + "Mi");
      case Form::kIntOrString:
        return ++count_ % 2 == 0 ? Value::integer(count_) : text("port-" + next());
      case Form::kRawObject:
      case Form::kAnyJson: {
        Value any = Value::object();
        any.add_ref(arena_, "any", Value::array()).append(arena_, Value::integer(++count_));
        return any;
      }
      case Form::kObject:
        return of_type(*info.type);
    }
    return {};
  }

  Value of_type(const TypeInfo& type) {
    switch (type.form) {
      case TypeForm::kWrapperList:
        return field(type.fields[0]);
      case TypeForm::kOneOf:
        return one_of(type);
      case TypeForm::kStruct:
        break;
    }
    return object(type);
  }

  // Each member in turn, where recursion lets it.
  Value one_of(const TypeInfo& type) {
    const auto choice = static_cast<std::size_t>(++count_) % type.fields.size();
    const FieldInfo& info = type.fields[choice];
    return is_open(info) ? one_of_open(type) : field(info);
  }
  Value one_of_open(const TypeInfo& type) {
    for (const FieldInfo& info : type.fields) {
      if (!is_open(info)) return field(info);
    }
    return Value::object();
  }

  std::string next() { return std::to_string(++count_); }
  Value text(const std::string& chars) { return Value::string(arena_, chars); }

  Arena& arena_;
  std::vector<const TypeInfo*> open_;
  std::int64_t count_ = 0;
};

}  // namespace pinnace::api
