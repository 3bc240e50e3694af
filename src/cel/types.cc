#include "cel/types.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace pinnace::cel {
namespace {

constexpr std::string_view kReservedWords[] = {
    "true",     "false",   "null",      "in",       "as",  "break",  "const",
    "continue", "else",    "for",       "function", "if",  "import", "let",
    "loop",     "package", "namespace", "return",   "var", "void",   "while",
};

struct Escape {
  std::string_view plain, escaped;
};
constexpr Escape kEscapes[] = {
    {"__", "__underscores__"}, {".", "__dot__"}, {"-", "__dash__"}, {"/", "__slash__"}};

bool is_reserved(std::string_view word) {
  return std::ranges::find(kReservedWords, word) != std::end(kReservedWords);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

constexpr const Type* kDynParameters[] = {&kDynType, &kDynType};

bool is_same(const Type& a, const Type& b, bool with_variables) {
  if (&a == &b) return true;
  if (a.kind != b.kind || a.parameters.size() != b.parameters.size()) return false;
  const bool has_name = with_variables || a.kind != TypeKind::kParameter;
  if (has_name && a.name != b.name) return false;
  for (std::size_t i = 0; i < a.parameters.size(); ++i) {
    if (!is_same(*a.parameters[i], *b.parameters[i], with_variables)) return false;
  }
  return true;
}

}  // namespace

const Type kErrorType{.kind = TypeKind::kError};
const Type kDynType{.kind = TypeKind::kDyn};
const Type kNullType{.kind = TypeKind::kNull};
const Type kBoolType{.kind = TypeKind::kBool, .min_json_bytes = 4};
const Type kIntType{.kind = TypeKind::kInt, .min_json_bytes = 1};
const Type kUintType{.kind = TypeKind::kUint, .min_json_bytes = 1};
const Type kDoubleType{.kind = TypeKind::kDouble, .min_json_bytes = 1};
const Type kStringType{.kind = TypeKind::kString, .min_json_bytes = 2};
const Type kBytesType{.kind = TypeKind::kBytes, .min_json_bytes = 2};
const Type kDurationType{.kind = TypeKind::kDuration, .min_json_bytes = 3};
const Type kTimestampType{.kind = TypeKind::kTimestamp, .min_json_bytes = 21};
const Type kTypeType{.kind = TypeKind::kType};
const Type kDynListType{.kind = TypeKind::kList, .parameters = {kDynParameters, 1}};
const Type kDynMapType{.kind = TypeKind::kMap, .parameters = kDynParameters};

const Field* Type::field(std::string_view field_name) const {
  const auto found = std::ranges::lower_bound(fields, field_name, {}, &Field::name);
  return found != fields.end() && found->name == field_name ? &*found : nullptr;
}

TypePool::TypePool() : arena_(std::make_unique<api::Arena>()) {}
TypePool::TypePool(TypePool&&) noexcept = default;
TypePool& TypePool::operator=(TypePool&&) noexcept = default;
TypePool::~TypePool() = default;

Type* TypePool::add(Type type) {
  return new (arena_->allocate(sizeof(Type), alignof(Type))) Type(type);
}

std::span<const Type* const> TypePool::keep(std::span<const Type* const> parameters) {
  if (parameters.empty()) return {};
  auto* kept = static_cast<const Type**>(arena_->allocate(parameters.size_bytes()));
  std::ranges::copy(parameters, kept);
  return {kept, parameters.size()};
}

const Type* TypePool::list(const Type* item, std::uint64_t max_items) {
  return add({.kind = TypeKind::kList,
              .parameters = keep(std::array{item}),
              .max_elements = max_items,
              .min_json_bytes = 2});
}

const Type* TypePool::list(const Type* item, std::uint64_t max_items, ListKind kind,
                           const std::vector<std::string_view>& keys) {
  std::vector<std::string_view> kept;
  for (const std::string_view key : keys) kept.push_back(copy(key));
  Type type = *list(item, max_items);
  type.list_kind = kind;
  type.list_keys = keep_all(kept);
  return add(type);
}

const Type* TypePool::map(const Type* key, const Type* value, std::uint64_t max_members) {
  return add({.kind = TypeKind::kMap,
              .parameters = keep(std::array{key, value}),
              .max_elements = max_members,
              .min_json_bytes = 2});
}

const Type* TypePool::optional(const Type* value) { return opaque("optional_type", {value}); }

const Type* TypePool::type_of(const Type* type) {
  return add({.kind = TypeKind::kType, .parameters = keep(std::array{type})});
}

const Type* TypePool::opaque(std::string_view name, std::initializer_list<const Type*> parameters) {
  return add({.kind = TypeKind::kOpaque,
              .name = copy(name),
              .parameters = keep({parameters.begin(), parameters.size()})});
}

const Type* TypePool::bounded(const Type& simple, std::uint64_t max_elements,
                              std::uint64_t min_json_bytes) {
  Type type = simple;
  type.max_elements = max_elements;
  type.min_json_bytes = min_json_bytes;
  return add(type);
}

Type* TypePool::object(std::string_view name) {
  return add({.kind = TypeKind::kObject, .name = copy(name), .min_json_bytes = 2});
}

void TypePool::define(Type* object, std::vector<Field> fields) {
  std::ranges::sort(fields, {}, &Field::name);
  if (fields.empty()) return;
  auto* kept = static_cast<Field*>(arena_->allocate(fields.size() * sizeof(Field)));
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = copy(fields[i].name);
    const bool same = fields[i].name == fields[i].json_name;
    new (kept + i) Field{name, same ? name : copy(fields[i].json_name), fields[i].type};
  }
  object->fields = {kept, fields.size()};
}

const Type* TypePool::open_object(std::string_view name) {
  return add({.kind = TypeKind::kObject, .name = copy(name), .any_field = true});
}

const Type* TypePool::parameter(std::string_view name) {
  return add({.kind = TypeKind::kParameter, .name = copy(name)});
}

const Type* TypePool::composed(const Type& like, std::span<const Type* const> parameters) {
  if (std::ranges::equal(like.parameters, parameters)) return &like;
  Type type = like;
  type.parameters = keep(parameters);
  return add(type);
}

std::string_view TypePool::copy(std::string_view text) { return arena_->copy(text); }

std::string_view runtime_name(const Type& type) {
  switch (type.kind) {
    case TypeKind::kError:
      return "!error!";
    case TypeKind::kDyn:
      return type.name.empty() ? "dyn" : type.name;
    case TypeKind::kNull:
      return "null_type";
    case TypeKind::kBool:
      return "bool";
    case TypeKind::kInt:
      return "int";
    case TypeKind::kUint:
      return "uint";
    case TypeKind::kDouble:
      return "double";
    case TypeKind::kString:
      return "string";
    case TypeKind::kBytes:
      return "bytes";
    case TypeKind::kDuration:
      return "google.protobuf.Duration";
    case TypeKind::kTimestamp:
      return "google.protobuf.Timestamp";
    case TypeKind::kType:
      return "type";
    case TypeKind::kList:
      return "list";
    case TypeKind::kMap:
      return "map";
    case TypeKind::kObject:
    case TypeKind::kOpaque:
    case TypeKind::kParameter:
      return type.name;
  }
  return {};
}

std::string to_text(const Type& type) {
  if (type.kind == TypeKind::kNull) return "null";
  if (type.kind == TypeKind::kDuration) return "duration";
  if (type.kind == TypeKind::kTimestamp) return "timestamp";
  std::string text(runtime_name(type));
  for (std::size_t i = 0; i < type.parameters.size(); ++i) {
    text += i == 0 ? "(" : ", ";
    text += to_text(*type.parameters[i]);
  }
  if (!type.parameters.empty()) text += ")";
  return text;
}

bool same_type(const Type& a, const Type& b) { return is_same(a, b, true); }
bool equivalent_type(const Type& a, const Type& b) { return is_same(a, b, false); }

std::string escape_field(std::string_view name) {
  if (name.empty() || is_digit(name[0])) return {};
  if (is_reserved(name)) return "__" + std::string(name) + "__";
  std::string escaped;
  for (std::size_t i = 0; i < name.size();) {
    const auto escape = std::ranges::find_if(
        kEscapes, [&](const Escape& each) { return name.substr(i).starts_with(each.plain); });
    if (escape != std::end(kEscapes)) {
      escaped += escape->escaped;
      i += escape->plain.size();
    } else if (is_word(name[i])) {
      escaped += name[i++];
    } else {
      return {};
    }
  }
  return escaped;
}

std::string unescape_field(std::string_view escaped) {
  if (escaped.size() > 4 && escaped.starts_with("__") && escaped.ends_with("__")) {
    const std::string_view word = escaped.substr(2, escaped.size() - 4);
    if (is_reserved(word)) return std::string(word);
  }
  std::string plain;
  for (std::size_t i = 0; i < escaped.size();) {
    if (!escaped.substr(i).starts_with("__")) {
      plain += escaped[i++];
      continue;
    }
    const auto escape = std::ranges::find_if(
        kEscapes, [&](const Escape& each) { return escaped.substr(i).starts_with(each.escaped); });
    if (escape == std::end(kEscapes)) return {};
    plain += escape->plain;
    i += escape->escaped.size();
  }
  return plain;
}

}  // namespace pinnace::cel
