// The owners of an object, each once.
//
// Source: k8s.io/apiserver pkg/endpoints/handlers (dedupOwnerReferences).
#pragma once

#include "api/value.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

enum class OwnersFrom { kClient, kAdmission };

// Drops references that stand there already, and tells the client who made them come twice.
void drop_repeated_owners(Change& change, api::Value& object, OwnersFrom from);

}  // namespace pinnace::apiserver
