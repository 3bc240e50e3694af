#include "cel/admission.h"

#include <algorithm>

#include "cel/authorizer.h"

namespace pinnace::cel {
namespace {

const Type* object_type(TypePool& types, std::string_view name, std::vector<Field> fields) {
  Type* type = types.object(name);
  types.define(type, std::move(fields));
  return type;
}

Field field(std::string_view name, const Type* type) { return {name, name, type}; }

const Type* make_request_type(TypePool& types) {
  const Type* texts = types.list(&kStringType);
  const auto named = [&](std::string_view type, std::string_view last) {
    return object_type(
        types, type,
        {field("group", &kStringType), field("version", &kStringType), field(last, &kStringType)});
  };
  const Type* kind = named("kubernetes.GroupVersionKind", "kind");
  const Type* resource = named("kubernetes.GroupVersionResource", "resource");
  const Type* user =
      object_type(types, "kubernetes.UserInfo",
                  {field("username", &kStringType), field("uid", &kStringType),
                   field("groups", texts), field("extra", types.map(&kStringType, texts))});
  return object_type(
      types, "kubernetes.AdmissionRequest",
      {field("kind", kind), field("resource", resource), field("subResource", &kStringType),
       field("requestKind", kind), field("requestResource", resource),
       field("requestSubResource", &kStringType), field("name", &kStringType),
       field("namespace", &kStringType), field("operation", &kStringType), field("userInfo", user),
       field("dryRun", &kBoolType), field("options", &kDynType)});
}

const Type* make_namespace_type(TypePool& types) {
  const Type* texts = types.list(&kStringType);
  const Type* by_name = types.map(&kStringType, &kStringType);
  const Type* condition =
      object_type(types, "kubernetes.NamespaceCondition",
                  {field("status", &kStringType), field("type", &kStringType),
                   field("lastTransitionTime", &kTimestampType), field("message", &kStringType),
                   field("reason", &kStringType)});
  const Type* metadata = object_type(
      types, "kubernetes.NamespaceMetadata",
      {field("name", &kStringType), field("generateName", &kStringType),
       field("namespace", &kStringType), field("labels", by_name), field("annotations", by_name),
       // Kubernetes spells it so, here alone.
       Field{"UID", "uid", &kStringType}, field("creationTimestamp", &kTimestampType),
       field("deletionGracePeriodSeconds", &kIntType), field("deletionTimestamp", &kTimestampType),
       field("generation", &kIntType), field("resourceVersion", &kStringType),
       field("finalizers", texts)});
  const Type* spec = object_type(types, "kubernetes.NamespaceSpec", {field("finalizers", texts)});
  const Type* status =
      object_type(types, "kubernetes.NamespaceStatus",
                  {field("conditions", types.list(condition)), field("phase", &kStringType)});
  return object_type(types, "kubernetes.Namespace",
                     {field("metadata", metadata), field("spec", spec), field("status", status)});
}

}  // namespace

const Type& admission_request_type() {
  static TypePool types;
  static const Type* const type = make_request_type(types);
  return *type;
}

const Type& namespace_type() {
  static TypePool types;
  static const Type* const type = make_namespace_type(types);
  return *type;
}

Environment admission_environment(const AdmissionScope& scope) {
  // A variable without a name keeps the place of one that is not there.
  const auto name_if = [](bool is_there, const char* name) { return is_there ? name : ""; };
  return Environment(
      {{"object", scope.object},
       {"oldObject", scope.object},
       {"request", &admission_request_type()},
       {name_if(scope.has_authorizer, "authorizer"), &authorizer_type()},
       {name_if(scope.has_authorizer, "authorizer.requestResource"), &resource_check_type()},
       {"namespaceObject", &namespace_type()},
       {name_if(scope.has_params, "params"), scope.params},
       {name_if(scope.variables != nullptr, "variables"),
        scope.variables != nullptr ? scope.variables : &kDynType}},
      {.patches = scope.makes_patches});
}

VariableTypes::VariableTypes() {
  type_.kind = TypeKind::kObject;
  type_.name = "kubernetes.variables";
}

// Objects have no type beyond the expression that made them.
const Type* VariableTypes::carried(const Type& type) {
  switch (type.kind) {
    case TypeKind::kNull:
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kUint:
    case TypeKind::kDouble:
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kDuration:
    case TypeKind::kTimestamp:
      return pool_.bounded(type, kUnbounded, type.min_json_bytes);
    case TypeKind::kList:
      return pool_.list(carried(*type.parameters[0]));
    case TypeKind::kMap:
      return pool_.map(carried(*type.parameters[0]), carried(*type.parameters[1]));
    default:
      return &kDynType;
  }
}

void VariableTypes::add(std::string_view name, const Result<Program>& program) {
  const Type* type = program ? carried(program->result_type()) : &kDynType;
  const auto place = std::ranges::lower_bound(fields_, name, {}, &Field::name);
  if (place != fields_.end() && place->name == name) {
    place->type = type;
  } else {
    const std::string_view kept = pool_.copy(name);
    fields_.insert(place, {kept, kept, type});
  }
  type_.fields = fields_;
}

}  // namespace pinnace::cel
