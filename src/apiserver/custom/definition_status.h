// What the status of a CustomResourceDefinition says of it: names that it got, and conditions.
//
// Why apart: pure; definitions_controller.h looks at the store and writes.
// Source: kubernetes.io/docs/reference/kubernetes-api/extend-resources/
//   custom-resource-definition-v1, CustomResourceDefinitionStatus.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "api/value.h"
#include "apiserver/registry/conditions.h"
#include "base/clock.h"

namespace pinnace::apiserver {

inline constexpr std::string_view kCleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

// Names that other definitions of the group have got.
struct ClaimedNames {
  std::set<std::string, std::less<>> resources;  // plurals, singulars and short names
  std::set<std::string, std::less<>> kinds;      // and kinds of lists
};

// The names in `status.acceptedNames` of a definition, added to `names`.
void add_claimed_names(ClaimedNames& names, const api::Value& definition);

// Accepts what names can be had, and sets the conditions by it. False if nothing changed.
bool settle_status(api::Arena& arena, api::Value& definition, const ClaimedNames& taken,
                   WallTime now);

// What api-approved.kubernetes.io says of a definition in a group of Kubernetes itself. An empty
// type: the group is nobody's. Texts live in `arena`.
Condition approval_of(api::Arena& arena, const api::Value& definition);

}  // namespace pinnace::apiserver
