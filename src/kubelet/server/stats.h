// What the node and its pods use, read from their cgroups: as JSON and as metrics.
//
// GET /stats/summary: the parts of Kubernetes' Summary that cgroups tell. GET /metrics/resource:
// what metrics collectors read.
// Source: Kubernetes' stats/v1alpha1; "Node metrics data" in its documentation.
#pragma once

#include "kubelet/server/node_call.h"

namespace pinnace::kubelet {

void stats_summary(ServerContext& context, const NodeCallRef& call);
void resource_metrics(ServerContext& context, const NodeCallRef& call);

}  // namespace pinnace::kubelet
