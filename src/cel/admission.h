// What expressions of webhooks and policies may name: the variables of one request for admission.
//
//   object, oldObject, request, authorizer, authorizer.requestResource, namespaceObject; of
//   policies also params and variables.
//
// Source: k8s.io/apiserver/pkg/admission/plugin/cel.
#pragma once

#include <string_view>
#include <vector>

#include "cel/environment.h"
#include "cel/types.h"

namespace pinnace::cel {

// Where each variable stands among the values that a Program is evaluated with, whatever the scope.
enum AdmissionVariable : std::size_t {
  kObjectVariable,
  kOldObjectVariable,
  kRequestVariable,
  kAuthorizerVariable,
  kRequestResourceVariable,
  kNamespaceVariable,
  kParamsVariable,
  kVariablesVariable,
  kAdmissionVariables,
};

struct AdmissionScope {
  bool has_params = false;
  bool has_authorizer = true;
  bool makes_patches = false;
  const Type* variables = nullptr;  // Null: the policy has none.
  // Types that only a check before any request knows.
  const Type* object = &kDynType;
  const Type* params = &kDynType;
};

Environment admission_environment(const AdmissionScope& scope);

const Type& admission_request_type();
const Type& namespace_type();

// The type of `variables`, of which each may name those that were added before it.
// Lifetime: must outlive the Programs that were made with it.
class VariableTypes {
 public:
  VariableTypes();
  VariableTypes(const VariableTypes&) = delete;
  VariableTypes& operator=(const VariableTypes&) = delete;

  // Of a variable that does not compile nothing is known. A name that is there already gets the
  // new type.
  void add(std::string_view name, const Result<Program>& program);
  const Type& type() const { return type_; }

 private:
  const Type* carried(const Type& type);

  TypePool pool_;
  std::vector<Field> fields_;
  Type type_;
};

}  // namespace pinnace::cel
