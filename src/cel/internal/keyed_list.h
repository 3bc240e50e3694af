// Lists whose items belong together as a set, or as a map by some of their fields.
//
// Source: Kubernetes API, x-kubernetes-list-type; k8s.io/apiserver/pkg/cel/common/maplist.go.
#pragma once

#include "cel/value.h"

namespace pinnace::cel::internal {

// `a` says which kind of list it is; `b` may be any list of the same size.
bool equal_in_any_order(Workspace& space, const Value& a, const Value& b);

// `a + b`: what is in `a` keeps its place. Of a set, what `b` has besides is appended; of a map,
// items of `b` take the place of those with the same key.
Value join_lists(Workspace& space, const Value& a, const Value& b);

}  // namespace pinnace::cel::internal
