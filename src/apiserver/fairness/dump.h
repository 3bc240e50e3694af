// What levels, queues and requests are at this moment, as text for people: rows of columns with
// commas between them.
//
// Source: kubernetes.io/docs/reference/debug-cluster/flow-control.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver::fairness {

void dump_priority_levels(Backend& backend, const CallRef& call);
void dump_queues(Backend& backend, const CallRef& call);
// With what was asked, too, if the query has includeRequestDetails.
void dump_requests(Backend& backend, const CallRef& call);

}  // namespace pinnace::apiserver::fairness
