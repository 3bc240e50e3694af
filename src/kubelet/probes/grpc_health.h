// check_grpc_health asks a server for the health of one of its services, as gRPC probes do.
#pragma once

#include <chrono>
#include <string>

#include "base/error.h"

namespace pinnace::kubelet {

// Blocks, at most for `timeout`. Errors: 500 with the probe's output, 504 when there was no answer.
Result<void> check_grpc_health(const std::string& host, int port, const std::string& service,
                               std::chrono::seconds timeout);

}  // namespace pinnace::kubelet
