// Fields of features that are off in this release of Kubernetes.
//
// Why: Kubernetes knows such a field, and drops it without a word from what is written, unless the
//   object has made use of the feature before it was switched off.
// Source: dropDisabledFields and the like of k8s.io/kubernetes' strategies; pkg/features.
#pragma once

#include <string_view>

#include "api/value.h"

namespace pinnace::apiserver {

// Drops them from `object`, which is kept as a `storage_resource`. `old` is the object as it was;
// null at creation.
void drop_switched_off(api::Value& object, const api::Value* old,
                       std::string_view storage_resource);

}  // namespace pinnace::apiserver
