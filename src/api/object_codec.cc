#include "api/object_codec.h"

#include <algorithm>
#include <utility>

#include "api/go_text.h"
#include "api/int_or_string.h"
#include "api/json.h"
#include "api/quantity.h"
#include "api/time.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::size_t kMaxReported = 100;
// What Go takes for a time that is not set.
constexpr std::string_view kGoZeroTime = "0001-01-01T00:00:00Z";

// One step of the way from the object's root; steps live on the stack of the walk.
struct Step {
  const Step* parent;
  std::string_view name;
  std::int64_t index;  // Of a list entry; -1 for a member.
};

// "spec.containers[0].image"; without indices when Go's decoder would not say them.
std::string path_text(const Step* step, bool indices) {
  if (step == nullptr) return {};
  std::string text = path_text(step->parent, indices);
  if (step->index >= 0) {
    if (indices) text += "[" + std::to_string(step->index) + "]";
    return text;
  }
  if (!text.empty()) text += '.';
  text += step->name;
  return text;
}

std::string go_element(const FieldInfo& field) {
  if (field.form != Form::kObject) return std::string(go_name(field.form));
  return std::string(field.type->version) + "." + std::string(field.type->name);
}

std::string go_type(const FieldInfo& field) {
  switch (field.container) {
    case Container::kList:
      return "[]" + go_element(field);
    case Container::kMap:
      return "map[string]" + go_element(field);
    case Container::kOne:
      break;
  }
  return go_element(field);
}

std::string go_value(const Value& value, bool with_number) {
  switch (value.type()) {
    case Value::Type::kNull:
      return "null";
    case Value::Type::kBool:
      return "bool";
    case Value::Type::kInt:
    case Value::Type::kDouble:
      return with_number ? "number " + to_json_text(value) : "number";
    case Value::Type::kString:
      return "string";
    case Value::Type::kArray:
      return "array";
    case Value::Type::kObject:
      return "object";
  }
  return {};
}

bool is_integer_form(Form form) {
  return form == Form::kInt32 || form == Form::kInt64 || form == Form::kUint32 ||
         form == Form::kUint64;
}

bool fits(Form form, std::int64_t number) {
  switch (form) {
    case Form::kInt32:
      return std::in_range<std::int32_t>(number);
    case Form::kUint32:
      return std::in_range<std::uint32_t>(number);
    case Form::kUint64:
      return number >= 0;
    default:
      return true;
  }
}

bool is_empty(const Value& value) {
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
    case Value::Type::kArray:
    case Value::Type::kObject:
      return value.empty();
  }
  return true;
}

class Normaliser {
 public:
  Normaliser(Arena& arena, std::vector<std::string>* unknown) : arena_(arena), unknown_(unknown) {}

  // False after a mistake; `problem()` then says which.
  bool object(Value& value, const TypeInfo& type, const Step* at);
  std::string&& problem() { return std::move(problem_); }

 private:
  bool fields(const Value& from, Value& to, const TypeInfo& type, const TypeInfo& owner,
              const Step* at, std::size_t& matched);
  bool field(Value& value, const FieldInfo& info, const TypeInfo& owner, const Step* at);
  bool element(Value& value, const FieldInfo& info, const TypeInfo& owner, const Step* at);
  bool one_of(Value& value, const TypeInfo& type, const Step* at);
  bool scalar(Value& value, const FieldInfo& info, const TypeInfo& owner, const Step* at);
  bool time(Value& value, Form form);
  bool quantity(Value& value);
  bool bytes(Value& value);
  bool absent(Value& value, const FieldInfo& info, const TypeInfo& owner, const Step* at);
  bool type_error(const Value& value, const FieldInfo& info, const TypeInfo& owner, const Step* at,
                  bool with_number = false);
  bool fail(std::string text) {
    problem_ = std::move(text);
    return false;
  }
  void report_unknown(const Value& from, const TypeInfo& type, const Step* at);

  Arena& arena_;
  std::vector<std::string>* unknown_;
  std::string problem_;
};

bool Normaliser::type_error(const Value& value, const FieldInfo& info, const TypeInfo& owner,
                            const Step* at, bool with_number) {
  // Inside a list or map Go names the element's type, not the container's.
  const bool whole = at->index < 0 && at->name == info.name;
  return fail("json: cannot unmarshal " + go_value(value, with_number) + " into Go struct field " +
              std::string(owner.name) + "." + path_text(at, false) + " of type " +
              (whole ? go_type(info) : go_element(info)));
}

bool Normaliser::time(Value& value, Form form) {
  const std::string_view text = value.as_string();
  if (text == kGoZeroTime) {
    value = Value::null();
    return true;
  }
  WallTime moment;
  if (!parse_rfc3339(text, moment)) {
    const char* layout =
        form == Form::kTime ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00";
    const std::string shown = go_quoted_ascii(text);
    return fail("parsing time " + shown + " as \"" + layout + "\": cannot parse " + shown +
                " as \"2006\"");
  }
  const std::string canonical = form == Form::kTime ? rfc3339(moment) : rfc3339_micro(moment);
  if (canonical != text) value = Value::string(arena_, canonical);
  return true;
}

bool Normaliser::quantity(Value& value) {
  if (!value.is_string() && !value.is_number()) {
    return fail(
        "quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  }
  const std::string text = value.is_string() ? std::string(value.as_string()) : to_json_text(value);
  auto parsed = Quantity::parse(text);
  if (!parsed) return fail(std::move(parsed.error().message));
  const std::string canonical = parsed->format();
  if (!value.is_string() || canonical != text) value = Value::string(arena_, canonical);
  return true;
}

bool Normaliser::bytes(Value& value) {
  std::string text(value.as_string());
  const bool broken = std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; }) > 0;
  if (!base64_decode(text)) {
    const auto wrong = std::ranges::find_if(text, [](char c) {
      return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/');
    });
    // What ends too early is wrong where its last group begins.
    const auto place = static_cast<std::size_t>(wrong - text.begin());
    return fail("illegal base64 data at input byte " +
                std::to_string(place == text.size() ? place / 4 * 4 : place));
  }
  if (broken) value = Value::string(arena_, text);
  return true;
}

bool Normaliser::scalar(Value& value, const FieldInfo& info, const TypeInfo& owner,
                        const Step* at) {
  if (is_integer_form(info.form)) {
    if (value.is_int() && fits(info.form, value.as_int())) return true;
    return type_error(value, info, owner, at, value.is_number());
  }
  switch (info.form) {
    case Form::kBool:
      return value.is_bool() || type_error(value, info, owner, at);
    case Form::kDouble:
      return value.is_number() || type_error(value, info, owner, at);
    case Form::kQuantity:
      return quantity(value);
    case Form::kIntOrString:
      if (value.is_string()) return true;
      if (value.is_int() && std::in_range<std::int32_t>(value.as_int())) return true;
      return fail("json: cannot unmarshal " + go_value(value, value.is_number()) +
                  " into Go value of type int32");
    case Form::kRawObject:
    case Form::kAnyJson:
      return true;
    default:
      break;
  }
  if (!value.is_string()) return type_error(value, info, owner, at);
  if (info.form == Form::kTime || info.form == Form::kMicroTime) return time(value, info.form);
  if (info.form == Form::kBytes) return bytes(value);
  if (info.form == Form::kDuration) {
    const auto duration = parse_duration(value.as_string());
    if (!duration) {
      return fail("time: invalid duration \"" + std::string(value.as_string()) + "\"");
    }
    value = Value::string(arena_, format_duration(*duration));
  }
  return true;
}

bool Normaliser::element(Value& value, const FieldInfo& info, const TypeInfo& owner,
                         const Step* at) {
  if (info.form != Form::kObject) {
    if (value.is_null() && info.form != Form::kAnyJson && info.form != Form::kRawObject) {
      // Protobuf cannot say that there are none.
      if (info.form == Form::kBytes) {
        value = Value::string_ref("");
        return true;
      }
      FieldInfo alone = info;
      alone.container = Container::kOne;
      alone.is_pointer = false;
      return absent(value, alone, owner, at);
    }
    return scalar(value, info, owner, at);
  }
  const TypeInfo& type = *info.type;
  if (type.form == TypeForm::kOneOf) return one_of(value, type, at);
  if (type.form == TypeForm::kWrapperList) {
    return value.is_null() || field(value, type.fields[0], type, at);
  }
  if (value.is_null()) value = Value::object();
  if (!value.is_object()) return type_error(value, info, owner, at);
  return object(value, type, at);
}

bool Normaliser::one_of(Value& value, const TypeInfo& type, const Step* at) {
  for (const FieldInfo& info : type.fields) {
    const bool is_list = info.container == Container::kList;
    const bool is_struct = !is_list && info.form == Form::kObject;
    if (value.is_array() ? is_list : value.is_object() && is_struct) {
      return field(value, info, type, at);
    }
    if (value.is_bool() && info.form == Form::kBool) return true;
  }
  if (value.is_null()) return true;
  return fail("json: cannot unmarshal " + go_value(value, false) + " into Go value of type " +
              std::string(type.version) + "." + std::string(type.name));
}

bool Normaliser::field(Value& value, const FieldInfo& info, const TypeInfo& owner, const Step* at) {
  switch (info.container) {
    case Container::kOne:
      return element(value, info, owner, at);
    case Container::kList: {
      if (!value.is_array()) return type_error(value, info, owner, at);
      std::int64_t index = 0;
      for (Value& item : value.items()) {
        const Step step{at, {}, index++};
        if (!element(item, info, owner, &step)) return false;
      }
      return true;
    }
    case Container::kMap:
      if (!value.is_object()) return type_error(value, info, owner, at);
      for (Member& member : value.members()) {
        // Go's decoder does not name the key of a map, warnings do.
        const Step step{at, member.key, info.form == Form::kObject ? -1 : 0};
        if (!element(member.value, info, owner, &step)) return false;
      }
      sort_members(value);
      return true;
  }
  return true;
}

// What Go writes for a member that was never set.
bool Normaliser::absent(Value& value, const FieldInfo& info, const TypeInfo& owner,
                        const Step* at) {
  value = Value::null();
  if (info.container != Container::kOne || info.is_pointer) return true;
  switch (info.form) {
    case Form::kString:
      value = Value::string_ref("");
      return true;
    case Form::kBool:
      value = Value::boolean(false);
      return true;
    case Form::kInt32:
    case Form::kInt64:
    case Form::kUint32:
    case Form::kUint64:
    case Form::kDouble:
    case Form::kIntOrString:
      value = Value::integer(0);
      return true;
    case Form::kQuantity:
      value = Value::string_ref("0");
      return true;
    case Form::kDuration:
      value = Value::string_ref("0s");
      return true;
    case Form::kObject:
      if (info.type->form != TypeForm::kStruct) return true;
      value = Value::object();
      return element(value, info, owner, at);
    default:
      return true;
  }
}

// Whether an empty one that was sent is told from none.
bool is_told_empty(const Value& value, const FieldInfo& info) {
  return info.container != Container::kOne && !value.is_null() &&
         info.limits.find("toldEmpty") != std::string_view::npos;
}

bool Normaliser::fields(const Value& from, Value& to, const TypeInfo& type, const TypeInfo& owner,
                        const Step* at, std::size_t& matched) {
  for (const FieldInfo& info : type.fields) {
    if (info.is_inline) {
      if (!fields(from, to, *info.type, owner, at, matched)) return false;
      continue;
    }
    const Step step{at, info.name, -1};
    const Value* found = from.find(info.name);
    if (found != nullptr) ++matched;
    Value value;
    if (found == nullptr || found->is_null()) {
      if (info.omit_empty) continue;
      if (!absent(value, info, owner, &step)) return false;
    } else {
      value = *found;
      if (!field(value, info, owner, &step)) return false;
      const bool droppable = !info.is_pointer || info.container != Container::kOne;
      if (info.omit_empty && droppable && is_empty(value) && !is_told_empty(value, info)) continue;
    }
    to.add_ref(arena_, info.name, value);
  }
  return true;
}

bool Normaliser::object(Value& value, const TypeInfo& type, const Step* at) {
  Value rebuilt = Value::object();
  std::size_t matched = 0;
  if (type.is_kind) {
    for (const std::string_view name : {"kind", "apiVersion"}) {
      const Value* found = value.find(name);
      if (found == nullptr) continue;
      ++matched;
      if (!found->is_string()) {
        const Step step{at, name, -1};
        return fail("json: cannot unmarshal " + go_value(*found, false) + " into Go struct field " +
                    std::string(type.name) + "." + path_text(&step, false) + " of type string");
      }
      if (!found->as_string().empty()) rebuilt.add_ref(arena_, name, *found);
    }
  }
  if (!fields(value, rebuilt, type, type, at, matched)) return false;
  if (unknown_ != nullptr && matched < value.size()) report_unknown(value, type, at);
  value = rebuilt;
  return true;
}

void Normaliser::report_unknown(const Value& from, const TypeInfo& type, const Step* at) {
  for (const Member& member : from.members()) {
    if (type.is_kind && (member.key == "kind" || member.key == "apiVersion")) continue;
    if (unknown_->size() >= kMaxReported || type.field(member.key) != nullptr) continue;
    const Step step{at, member.key, -1};
    unknown_->push_back(path_text(&step, true));
  }
}

// Appends the names of a type's members in order until `wanted`; false when it was not among them.
bool skip_before(const TypeInfo& type, std::string_view wanted, std::span<const Member> members,
                 std::size_t& position) {
  for (const FieldInfo& info : type.fields) {
    if (info.is_inline) {
      if (skip_before(*info.type, wanted, members, position)) return true;
      continue;
    }
    if (info.name == wanted) return true;
    if (position < members.size() && members[position].key == info.name) ++position;
  }
  return false;
}

bool has_empty_list(const Value& value) {
  if (value.is_array()) return value.empty() || std::ranges::any_of(value.items(), has_empty_list);
  return value.is_object() && std::ranges::any_of(value.members(), [](const Member& member) {
           return has_empty_list(member.value);
         });
}

void forget_in(Value& object, const TypeInfo& type) {
  if (!object.is_object() || type.form != TypeForm::kStruct) return;
  for (Member& member : object.members()) {
    const FieldInfo* info = type.field(member.key);
    if (info == nullptr) continue;
    Value& value = member.value;
    const bool is_list = info->container == Container::kList && value.is_array();
    if (is_list && value.empty() && !info->omit_empty) value = Value::null();
    if (info->form != Form::kObject) continue;
    if (info->container == Container::kOne) {
      forget_in(value, *info->type);
    } else if (value.is_array()) {
      for (Value& item : value.items()) forget_in(item, *info->type);
    } else if (value.is_object()) {
      for (Member& one : value.members()) forget_in(one.value, *info->type);
    }
  }
}

std::string handled_as(const TypeInfo& type) {
  return std::string(type.name) + " in version \"" + std::string(type.version) +
         "\" cannot be handled as a " + std::string(type.name) + ": ";
}

}  // namespace

void forget_empty_lists(Value& object, const TypeInfo& type) {
  if (has_empty_list(object)) forget_in(object, type);
}

Result<void> normalise(Arena& arena, Value& object, const TypeInfo& type,
                       std::vector<std::string>* unknown_fields) {
  if (!object.is_object()) {
    return errors::bad_request(handled_as(type) + "json: cannot unmarshal " +
                               go_value(object, false) + " into Go value of type " +
                               std::string(type.version) + "." + std::string(type.name));
  }
  Normaliser normaliser(arena, unknown_fields);
  if (!normaliser.object(object, type, nullptr)) {
    return errors::bad_request(handled_as(type) + normaliser.problem());
  }
  return {};
}

std::vector<std::string> field_problems(std::string_view json,
                                        const std::vector<std::string>& unknown_fields,
                                        const std::vector<std::string>& duplicate_fields) {
  std::vector<std::string> problems;
  const auto tell = [&](bool is_duplicate, const std::string& path) {
    problems.push_back((is_duplicate ? "duplicate field " : "unknown field ") + go_quoted(path));
  };
  if (unknown_fields.empty() && duplicate_fields.empty()) return problems;
  if (!json.empty()) {
    for (const auto& met : in_reading_order(json, unknown_fields, duplicate_fields)) {
      tell(met.is_again, met.path);
    }
    return problems;
  }
  std::vector<std::string> unknown = unknown_fields;
  std::ranges::sort(unknown);
  for (const auto& path : unknown) tell(false, path);
  for (const auto& path : duplicate_fields) tell(true, path);
  return problems;
}

Unexpected strict_decoding_error(const TypeInfo& type, const std::vector<std::string>& problems) {
  return errors::bad_request(handled_as(type) + "strict decoding error: " + join(problems, ", "));
}

std::string go_kind(const Value& value) { return go_value(value, false); }

std::string_view decoding_problem(const TypeInfo& type, std::string_view message) {
  const std::string name(type.name);
  for (const std::string& before : {"cannot be handled as a " + name + ": ",
                                    "is unrecognized (must be of type " + name + "): "}) {
    const auto at = message.find(before);
    if (at != std::string_view::npos) return message.substr(at + before.size());
  }
  return message;
}

Value& set_in_order(Arena& arena, Value& object, const TypeInfo& type, std::string_view name,
                    Value value) {
  if (Value* found = object.find(name)) {
    *found = value;
    return *found;
  }
  std::size_t position = 0;
  const std::span<Member> before = object.members();
  while (type.is_kind && position < before.size() &&
         (before[position].key == "kind" || before[position].key == "apiVersion")) {
    ++position;
  }
  if (name == "kind" && type.is_kind) {
    position = 0;
  } else if (name != "apiVersion" || !type.is_kind) {
    skip_before(type, name, before, position);
  }
  const FieldInfo* info = type.field(name);
  object.add_ref(arena, info != nullptr ? info->name : arena.copy(name), value);
  const std::span<Member> members = object.members();
  std::rotate(members.begin() + static_cast<std::ptrdiff_t>(position), members.end() - 1,
              members.end());
  return members[position].value;
}

bool is_set(const FieldInfo& field, const Value* value) {
  if (value == nullptr || value->is_null()) return false;
  if (field.container == Container::kOne && (field.is_pointer || field.form == Form::kAnyJson)) {
    return true;
  }
  return !is_empty(*value);
}

void sort_members(Value& object) {
  const std::span<Member> members = object.members();
  if (!std::ranges::is_sorted(members, {}, &Member::key)) {
    std::ranges::sort(members, {}, &Member::key);
  }
}

void sort_all_members(Value& value) {
  if (value.is_object()) {
    sort_members(value);
    for (auto& [key, member] : value.members()) sort_all_members(member);
  } else if (value.is_array()) {
    for (Value& item : value.items()) sort_all_members(item);
  }
}

}  // namespace pinnace::api
