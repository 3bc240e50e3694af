#include "cel/internal/functions.h"

#include <algorithm>

#include "base/assert.h"

namespace pinnace::cel::internal {
namespace {

struct Named {
  std::string_view name;
  const Type* type;
};
constexpr Named kSimpleTypes[] = {
    {"dyn", &kDynType},           {"null_type", &kNullType},
    {"bool", &kBoolType},         {"int", &kIntType},
    {"uint", &kUintType},         {"double", &kDoubleType},
    {"string", &kStringType},     {"bytes", &kBytesType},
    {"duration", &kDurationType}, {"timestamp", &kTimestampType},
    {"type", &kTypeType},
};
constexpr const Type* kAnything[] = {&kDynType};
const Type kOptionalOfAnything{
    .kind = TypeKind::kOpaque, .name = "optional_type", .parameters = kAnything};

constexpr Named kTypeIdentifiers[] = {
    {"null_type", &kNullType},
    {"bool", &kBoolType},
    {"int", &kIntType},
    {"uint", &kUintType},
    {"double", &kDoubleType},
    {"string", &kStringType},
    {"bytes", &kBytesType},
    {"list", &kDynListType},
    {"map", &kDynMapType},
    {"type", &kTypeType},
    {"optional_type", &kOptionalOfAnything},
    {"google.protobuf.Duration", &kDurationType},
    {"google.protobuf.Timestamp", &kTimestampType},
};

// Reads "list(A).(string, map(A, B)) -> optional(A)".
class SignatureParser {
 public:
  SignatureParser(std::string_view text, TypePool& types, std::vector<const Type*>& named)
      : rest_(text), types_(types), named_(named) {}

  void parse(Overload* overload) {
    overload->member = !rest_.starts_with('(');
    if (overload->member) {
      parameters_.push_back(type());
      expect(".");
    }
    expect("(");
    while (!take(")")) {
      parameters_.push_back(type());
      take(", ");
    }
    expect(" -> ");
    overload->result = type();
    PINNACE_ASSERT(rest_.empty());
    overload->parameters = types_.composed(Type{}, parameters_)->parameters;
    overload->variables = types_.composed(Type{}, variables_)->parameters;
  }

 private:
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  void expect(std::string_view text) { PINNACE_ASSERT(take(text)); }

  const Type* type() {
    if (take("list(")) return closed(types_.list(type()));
    if (take("optional(")) return closed(types_.optional(type()));
    if (take("type(")) return closed(types_.type_of(type()));
    if (take("map(")) {
      const Type* key = type();
      expect(", ");
      return closed(types_.map(key, type()));
    }
    std::size_t length = rest_.find_first_of("(),");
    // A dot belongs to the name unless the parameters follow it: "net.IP.(string)".
    if (length != std::string_view::npos && length > 0 && rest_[length] == '(' &&
        rest_[length - 1] == '.') {
      --length;
    }
    const std::string_view name = rest_.substr(0, length);
    rest_.remove_prefix(name.size());
    return named(name);
  }
  const Type* closed(const Type* composed) {
    expect(")");
    return composed;
  }

  const Type* named(std::string_view name) {
    const auto simple = std::ranges::find(kSimpleTypes, name, &Named::name);
    if (simple != std::end(kSimpleTypes)) return simple->type;
    const bool is_variable = name.size() == 1;
    auto& known = is_variable ? variables_ : named_;
    const auto found = std::ranges::find(known, name, &Type::name);
    if (found != known.end()) return *found;
    known.push_back(is_variable ? types_.parameter(name) : types_.opaque(name));
    return known.back();
  }

  std::string_view rest_;
  TypePool& types_;
  std::vector<const Type*>& named_;
  std::vector<const Type*> parameters_, variables_;
};

}  // namespace

const FunctionRegistry& FunctionRegistry::instance() {
  static const FunctionRegistry registry;
  return registry;
}

FunctionRegistry::FunctionRegistry() {
  add(operator_declarations());
  add(comparison_declarations());
  add(conversion_declarations());
  add(time_declarations());
  add(string_declarations());
  add(list_declarations());
  add(kubernetes_list_declarations());
  add(optional_declarations());
  add(regex_declarations());
  add(url_declarations());
  add(quantity_declarations());
  add(network_declarations());
  add(format_declarations());
  add(semver_declarations());
  add(authorizer_declarations());
}

void FunctionRegistry::add(std::span<const Declaration> declarations) {
  for (const Declaration& row : declarations) {
    auto place = std::ranges::lower_bound(functions_, row.function, {}, &Function::name);
    if (place == functions_.end() || place->name != row.function) {
      place = functions_.insert(place, Function{row.function, {}});
    }
    Overload overload{};
    overload.id = row.overload;
    overload.code = row.code;
    overload.cost = &find_cost_rule(row.function, row.overload);
    SignatureParser(row.signature, types_, named_types_).parse(&overload);
    place->overloads.push_back(overload);
  }
}

const Function* FunctionRegistry::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(functions_, name, {}, &Function::name);
  return found != functions_.end() && found->name == name ? &*found : nullptr;
}

const Type* FunctionRegistry::find_type(std::string_view name) const {
  const auto simple = std::ranges::find(kTypeIdentifiers, name, &Named::name);
  if (simple != std::end(kTypeIdentifiers)) return simple->type;
  const auto found = std::ranges::find(named_types_, name, &Type::name);
  return found != named_types_.end() ? *found : nullptr;
}

bool accepts(const Type& parameter, const Value& value) {
  switch (parameter.kind) {
    case TypeKind::kDyn:
    case TypeKind::kParameter:
    case TypeKind::kError:
      return true;
    case TypeKind::kNull:
      return value.is(Kind::kNull);
    case TypeKind::kBool:
      return value.is(Kind::kBool);
    case TypeKind::kInt:
      return value.is(Kind::kInt);
    case TypeKind::kUint:
      return value.is(Kind::kUint);
    case TypeKind::kDouble:
      return value.is(Kind::kDouble);
    case TypeKind::kString:
      return value.is(Kind::kString);
    case TypeKind::kBytes:
      return value.is(Kind::kBytes);
    case TypeKind::kDuration:
      return value.is(Kind::kDuration);
    case TypeKind::kTimestamp:
      return value.is(Kind::kTimestamp);
    case TypeKind::kType:
      return value.is(Kind::kType);
    case TypeKind::kList:
      return value.is(Kind::kList);
    case TypeKind::kMap:
      return value.is(Kind::kMap) || value.is(Kind::kObject);
    case TypeKind::kObject:
      return value.is(Kind::kObject) && value.runtime_type().name == parameter.name;
    case TypeKind::kOpaque:
      // optional(map(..)) and optional(list(..)) are told apart by what is inside.
      if (value.is(Kind::kOptional)) {
        return parameter.is_optional() && (value.as_optional() == nullptr ||
                                           accepts(*parameter.parameters[0], *value.as_optional()));
      }
      return value.is(Kind::kOpaque) && value.as_opaque().type().name == parameter.name;
  }
  return false;
}

}  // namespace pinnace::cel::internal
