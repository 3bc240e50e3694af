// Rule is one PolicyRule of RBAC: verbs on resources, or verbs on paths.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "apiserver/authorization/attributes.h"

namespace pinnace::apiserver {

struct Rule {
  std::vector<std::string> verbs, groups, resources, names, urls;

  bool allows(const Attributes& wanted) const;
  // As error messages show it: {APIGroups:[""], Resources:["pods"], Verbs:["get"]}.
  std::string text() const;
  bool operator==(const Rule&) const = default;
};

// The rules of a Role's or ClusterRole's `rules`.
std::vector<Rule> parse_rules(const api::Value* rules);

// Those of `wanted` that `owned` does not give in full, each taken apart so far that it names what
// is missing, and put together again where only the verbs differ.
std::vector<Rule> missing_rules(const std::vector<Rule>& owned, const std::vector<Rule>& wanted);

}  // namespace pinnace::apiserver
