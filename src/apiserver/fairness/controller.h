// Follows the FlowSchemas and PriorityLevelConfigurations in the store: puts them to work, says in
// a schema's status whether its level is there, and keeps the default objects as they should be.
//
// How: everything is looked at together whenever any of it changed, and once a minute; what is
//   there and what is to be decides, never an event. Every ten seconds it shares out seats anew.
// Lifetime: ends with the Backend.
// Threads: looks on the executor's thread; woken by the store from any.
// Errors: a write that fails is tried again at the next look. Of several servers one is faster.
// Source: kubernetes.io/docs/concepts/cluster-administration/flow-control, "Maintenance of the
//   Mandatory and Suggested Configuration Objects".
#pragma once

#include "apiserver/backend.h"

namespace pinnace::apiserver::fairness {

// What is stored already is at work before it returns.
void follow_flow_control(const BackendRef& backend);

}  // namespace pinnace::apiserver::fairness
