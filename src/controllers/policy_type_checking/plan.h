// Which types a ValidatingAdmissionPolicy concerns, and what its expressions get wrong about them.
//
// Source: kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy, "Type
//   checking": wildcards and subresources are not looked into, and no more than kMaxTypes types.
#pragma once

#include <string>
#include <vector>

#include "api/types/admissionregistration_v1.h"
#include "api/value.h"
#include "cel/types.h"

namespace pinnace::controllers::policy_type_checking {

using Policy = api::admissionregistration_v1::ValidatingAdmissionPolicy;
using Warning = api::admissionregistration_v1::ExpressionWarning;

inline constexpr std::size_t kMaxTypes = 10;  // Of one rule.

struct ResourceVersion {
  std::string group, version, resource;
};
// What one rule names, in the order in which it is looked up; nothing where it has wildcards for
// groups or versions.
std::vector<ResourceVersion> resources_of(
    const api::admissionregistration_v1::NamedRuleWithOperations& rule);

struct Kind {
  std::string group, version, kind;
  auto operator<=>(const Kind&) const = default;
};
// spec.paramKind; an empty kind where there is none.
Kind param_kind_of(const Policy& policy);

// The kind that a CustomResourceDefinition serves in a version, or "".
std::string served_kind(const api::Value& definition, std::string_view version);
// What its schema says of objects; null where it says nothing.
const cel::Type* custom_type(cel::TypePool& types, const api::Value& definition,
                             std::string_view version);

struct KnownType {
  Kind kind;
  const cel::Type* type;
};
// In the order of the policy's expressions; `types` are sorted, `params` may be null.
std::vector<Warning> check(const Policy& policy, const std::vector<KnownType>& types,
                           const cel::Type* params);

}  // namespace pinnace::controllers::policy_type_checking
