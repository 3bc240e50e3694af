// Which requests a webhook or a policy is about: rules, selectors, and the version in which it sees
// objects.
//
// Source: admissionregistration.k8s.io/v1 RuleWithOperations and MatchResources.
#pragma once

#include <string>
#include <vector>

#include "api/selector.h"
#include "apiserver/admission/admission.h"

namespace pinnace::apiserver {

class RequestView;

struct MatchRule {
  unsigned operations = 0;
  std::vector<std::string> groups, versions, resources, names;
  std::string scope;  // "*", "Cluster", "Namespaced"
};
// The rules of a list; `operations` of "*" are all.
std::vector<MatchRule> parse_match_rules(const api::Value* rules);

struct MatchConstraints {
  std::vector<MatchRule> rules, excluded;
  api::LabelSelector namespaces, objects;  // By default everything.
  bool is_exact = false;                   // matchPolicy; else equivalent versions match, too.
};
// From the fields of a MatchResources ("resourceRules") or a webhook ("rules").
Result<MatchConstraints> parse_match_constraints(const api::Value& from,
                                                 std::string_view rules_field);

// The version in which it wants to see the request; nullptr: it does not want to.
// Errors: 404 when the request's namespace has gone.
Result<const api::ResourceInfo*> find_match(const MatchConstraints& constraints, RequestView& view);

// The objects that say who is asked are never shown to those who are asked.
bool is_admission_configuration(const AdmissionRequest& request);

}  // namespace pinnace::apiserver
