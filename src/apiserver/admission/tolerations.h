// Tolerations of pods: whether one covers another, and lists of them joined.
//
// Source: k8s.io/kubernetes/pkg/util/tolerations.
#pragma once

#include "api/value.h"

namespace pinnace::apiserver {

// Everything that `b` tolerates `a` tolerates, too.
bool is_superset_toleration(const api::Value& a, const api::Value& b);
// Adds those of `more` that no toleration of the pod's spec covers; those that they cover go.
void merge_tolerations(api::Arena& arena, api::Value& spec, std::span<const api::Value> more);
// A toleration with the key and no more; effect may be "".
api::Value tolerate_key(api::Arena& arena, std::string_view key, std::string_view effect);

}  // namespace pinnace::apiserver
