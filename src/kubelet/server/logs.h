// GET /containerLogs/{namespace}/{pod}/{container}: what a container wrote.
//
// Errors: 404 when there is no such pod or container here; 400 when it has no log yet, with the
//   reason that it waits for; 422 for options that contradict each other.
// Source: API reference, PodLogOptions.
#pragma once

#include "kubelet/pod/pod_state.h"
#include "kubelet/server/log_reader.h"
#include "kubelet/server/node_call.h"

namespace pinnace::kubelet {

void container_logs(ServerContext& context, const NodeCallRef& call);

Result<LogOptions> parse_log_options(const Parameters& query, WallTime now);

// The container, of those that the pod had by this name, whose log is meant.
Result<const ContainerRecord*> choose_container(const core::Pod& pod, std::string_view name,
                                                bool previous, const PodState& state);

}  // namespace pinnace::kubelet
